// What the processor is, and what code may use of it.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// Switches on the x87, SSE, and as far as CPUID allows AVX and AVX-512 state of the calling core.
// What is on, as XCR0 says it.
u64 start_vector_state();

// Reads the processor's features, as far as that state is on; once, on the first core.
void read_features(u64 xcr0);

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
