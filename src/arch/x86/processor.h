// Bringing up a core: what code may use of it from then on.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// Gives the core its block of core-local data at FS, with the word at FS:0x28 that the linked
// libraries read as stack protector. Comes before any call into them, on every core.
void start_core_block();

// Switches on the x87, SSE, and as far as CPUID allows AVX and AVX-512 state, and reads the
// processor's features.
void start_vector_state();

// Applies the option `isa`.
Result<void> cap_features();

// Whether pages can be made non-executable; entry.S has switched it on then.
bool has_no_execute();

// "GenuineIntel ..." as CPUID 0x80000002 to 4 say it, or the vendor where there is no brand.
struct ProcessorName {
  char text[49];
};
ProcessorName processor_name();

}  // namespace bf::x86
