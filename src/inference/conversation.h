// Where prompts and messages come from: a terminal, or lines of input.
#pragma once

#include "inference/generator.h"

namespace inference {

// A prompt line with editing and history, until /quit or Ctrl-D. Ctrl-C or Escape stops a
// story or an answer.
void converse(Generator& generator);

// Each line of input is a prompt or a message, empty ones aside, until the end of the input. A line that cannot
// be a prompt is reported and passed over; the result tells whether there was none.
[[nodiscard]] bool tell_lines(Generator& generator);

}  // namespace inference
