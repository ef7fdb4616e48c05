// Time from the time stamp counter.
#pragma once

#include "arch/x86/acpi.h"

namespace bf::x86 {

// Where the counter's frequency comes from (CPUID, HPET, ACPI timer, PIT: the first that there is),
// and what the next one says.
struct ClockReport {
  const char* source;
  const char* check;  // null: there was no other one
  u64 check_hertz;
  bool agrees;     // to a hundredth
  bool invariant;  // the counter does not follow the processor's frequency
};
// Learns the frequency, in about a millisecond, and sets the zero of platform::clock_ns().
ClockReport start_clock(const acpi::Timers& found);
// What that has found.
const ClockReport& clock_report();

// The counters of the cores differ: clock_ns() is kept from going back.
void distrust_clock();

// A moment in the future. Before start_clock() a fast counter is assumed, so that waits are too
// long rather than too short.
class Deadline {
 public:
  explicit Deadline(u64 nanoseconds);
  bool passed() const;

 private:
  u64 start_ticks_;
  u64 wait_ticks_;
};

// Asks again and again until condition() holds, for so long at most; false if it never did.
template <class Condition>
bool wait_for(u64 nanoseconds, Condition&& condition) {
  const Deadline deadline(nanoseconds);
  while (!condition()) {
    // The last look comes after the time: an emulator may have slept between the two.
    if (deadline.passed()) return condition();
    __builtin_ia32_pause();
  }
  return true;
}

inline void pause_for(u64 nanoseconds) {
  wait_for(nanoseconds, [] { return false; });
}

}  // namespace bf::x86
