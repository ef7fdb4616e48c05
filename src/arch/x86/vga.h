// The VGA text screen: 80 x 25 or what the boot loader set up. Scrolls; shows ASCII, everything
// else as one '?' per character; follows \r \n \b \t and the terminal sequences that the line
// editor writes (cursor left and right, erase to the end of the line).
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

// Takes over the screen at `memory` and clears it.
void start_screen(u16* memory, u32 columns, u32 rows);

// Does nothing where there is no text screen.
void write_to_screen(std::string_view bytes);

}  // namespace bf::x86
