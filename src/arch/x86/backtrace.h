// Backtraces by frame pointers, with the names of the kernel's functions.
#pragma once

#include <span>

#include "arch/x86/exceptions.h"

namespace bf {

// What code outside the kernel image (compiled at run time) is at `address`; null if not known.
// The engine may define it; the platform has an empty default.
const char* describe_code_address(u64 address);

// Whether the address is in code that only times a call of what is below it in a backtrace, where both
// would have the same name. No, by default.
bool times_a_call(u64 address);

// The function of the program that one of the words belongs to, the first that does: an interpreter
// has what it interprets in registers and on its stack. Null if to none.
const char* describe_interpreted(std::span<const u64> words);

}  // namespace bf

namespace bf::x86 {

// Prints one line for where it happened, and for each caller found from its frame pointer up.
void print_backtrace(const ExceptionFrame& where);

}  // namespace bf::x86
