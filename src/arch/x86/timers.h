// Timers of a known frequency, to measure the time stamp counter with.
#pragma once

#include "arch/x86/acpi.h"

namespace bf::x86 {

struct Timer {
  const char* name = nullptr;
  u64 hertz = 0;
  u32 mask = 0;           // of the bits that count
  u32 (*read)() = nullptr;  // counts upwards
};

inline constexpr u32 kMostTimers = 3;

// Switches on what there is of the HPET, ACPI's timer and the PIT, in this order; how many.
u32 start_timers(const acpi::Timers& found, Timer (&timers)[kMostTimers]);

}  // namespace bf::x86
