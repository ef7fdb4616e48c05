// Time from the time stamp counter.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// Learns the counter's frequency (CPUID where it says, else against the PIT, in about 1 ms) and
// sets the zero of platform::clock_ns(). Returns where the frequency comes from.
const char* start_clock();

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
