// The processor's performance counters (Intel SDM volume 3, chapter 20), as far as they are
// architectural: behind runtime/counters.h.
#pragma once

#include "runtime/counters.h"

namespace bf::x86::pmu {

// What CPUID's leaf 0xa says.
struct Facts {
  u32 counters = 0;  // that can be used: 0 without version 2, which tells who has overflowed
  bool has[counters::kEvents] = {};
};
Facts decode(u32 eax, u32 ebx);

// Counts on the calling core from now on; does nothing where nothing can be counted. Comes after the
// core's APIC.
void start();

// For the interrupt's handler: something has overflowed at this address.
void on_overflow(u64 address);

}  // namespace bf::x86::pmu
