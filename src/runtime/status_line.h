// One line about the work that goes on, for consoles that keep it in place below what scrolls: the
// program's part (how many tokens, how fast), the engine's (functions by tier), the cores.
//
//   status_line::show_on(x86::show_status);  // the platform, where there is such a console
//   status_line::set_engine_part(write_tiers);
//   status_line::update("128 tokens, 33.8 tok/s");  // the program: bf_write to BF_STREAM_STATUS
#pragma once

#include <string_view>

#include "runtime/text.h"

namespace bf::status_line {

// Nowhere at first; null: nowhere again.
void show_on(void (*show)(std::string_view line));
bool is_shown();

// Appends what the engine has to say; null: nothing.
void set_engine_part(void (*write)(Text& line));

void update(std::string_view program_part);

}  // namespace bf::status_line
