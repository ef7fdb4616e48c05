// Where platform::write goes and platform::read comes from: serial ports, screen and keyboard, as
// the options `text`, `log`, `profile-to`, `raw` and `interactive` say (docs/options.md).
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

// Reads the options and opens the streams. What was written before is kept and goes out now.
Result<void> start_streams();

// For faults and panics: makes sure that what is written now is seen, also when start_streams()
// has not run or does not get to its end.
void begin_emergency_output();

// The machine is about to end: what others write from now on is dropped, and what they have begun
// is finished first, unless that takes too long.
void stop_streams();

// Whether there is a console with a row to spare for a status line (the screen; a terminal on the serial
// port, with `terminal=ansi`) and the option `status` does not forbid it; and what it shows.
bool has_status_line();
void show_status(std::string_view line);

// How wide the narrowest console is; 0 if there is none.
u32 console_columns();

// The core's timer has run down: what was written and not drawn yet is drawn now.
void on_timer();

// A device has something: what comes by the serial line is taken in, before there is too much of it.
void on_device();

// Waits until all output has left the machine.
void flush_streams();

}  // namespace bf::x86
