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

}  // namespace bf::x86
