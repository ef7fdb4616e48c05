// Backtraces by frame pointers, with the names of the kernel's functions.
#pragma once

#include "runtime/base.h"

namespace bf {

// What code outside the kernel image (compiled at run time) is at `address`; null if not known.
// The engine may define it; the platform has an empty default.
const char* describe_code_address(u64 address);

}  // namespace bf

namespace bf::x86 {

// Prints one line for `rip` and for each caller found from frame pointer `rbp` up.
void print_backtrace(u64 rip, u64 rbp);

}  // namespace bf::x86
