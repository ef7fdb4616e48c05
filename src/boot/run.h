// What both composition roots do once their platform is up: load the program's IR image, make an
// engine for it, run it to its end, hand out the profile.
#pragma once

#include "runtime/base.h"

namespace bf {

// Runs the blob "program" with the options of this run; gives its exit status. Problems before the
// program starts are one line on the log and kBadInputStatus.
i32 run_program();

// So many cores compile beside the program where the option `compile-threads` does not say; at first
// none.
void set_usual_compile_threads(u32 count);

// Whether the text stream leads to a terminal, on which tables may be drawn again; at first it does
// not. The option NO_COLOR says that it is to be treated as none.
void set_terminal(bool there);

// The function of the running program whose compiled code holds the address, as text for a
// backtrace; null if there is none.
const char* describe_code_address(u64 address);

// Whether the address is in what times a call of a function, and made that call again for it: part of the
// function, in a backtrace.
bool times_a_call(u64 address);

inline constexpr i32 kBadInputStatus = 1;
inline constexpr i32 kUsageStatus = 2;

}  // namespace bf
