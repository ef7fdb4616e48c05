// The log of what happens beside the program (promotions): whole lines, which on a console that a
// person types at do not come between the characters of a line.
//
//   side_log::set_patient(true);        // a person is at the console
//   side_log::write("[jit] ...\n");     // held back while a line of text is open
//   side_log::text_written(bytes);      // bf_write tells what the program wrote
#pragma once

#include <string_view>

namespace bf::side_log {

// Whether lines wait for the end of an open line of text. Not at the start; switching it off lets
// go what waits.
void set_patient(bool patient);

// Lines to platform::Stream::Log, at once or at the next end of a line of text.
void write(std::string_view lines);

// The program wrote these bytes to its text stream.
void text_written(std::string_view bytes);

}  // namespace bf::side_log
