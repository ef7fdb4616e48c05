// A debugger on the second serial port, with the options `gdb=serial` or `gdb=serial,wait`: GDB's
// `target remote`, for machines whose emulator has no gdbstub, and for those that are no emulation.
//
// Whenever a core stops (a breakpoint, a step, a fault, or something that comes in on the port), it
// holds all others by an interrupt that cannot be masked, and talks to the debugger until that lets
// cores go on. Nothing is allocated, no lock is taken, and the port is asked for each byte.
//
// Not for a breakpoint: what runs between an exception and the stop of all cores (exceptions.cpp,
// server.cpp and what they call), because it would be hit again at once.
#pragma once

#include "arch/x86/exceptions.h"

namespace bf::x86::gdb {

// Opens the port and, with `wait`, stops until a debugger has come and lets go. Cores must run.
// A wrong option is an error; where there is no such port the log says so.
[[nodiscard]] Result<void> start();

// What a debugger makes of an exception other than the non-maskable interrupt: true if the core goes on
// where the frame says, false if it is for nobody but the report. A debugger that is there sees faults
// before they are reported.
[[nodiscard]] bool takes_exception(ExceptionFrame& frame, bool is_panic);
// Whether a non-maskable interrupt was for the debugger; the core goes on.
[[nodiscard]] bool takes_non_maskable(ExceptionFrame& frame);

}  // namespace bf::x86::gdb
