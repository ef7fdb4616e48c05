// The machine's own screen: a terminal (terminal.h) on a display, pixels or VGA text. Only what has
// changed is drawn, and no more often than eyes can follow: the rest is drawn when the next text
// comes, or by who asks.
//
//   start_text_screen(0xb8000, 80, 25);  // or start_pixel_screen; before that, nothing is shown
//   write_to_screen("text", ScreenText::Text);
//   draw_screen();                       // at the latest now it is seen
//
// Nothing here is locked: streams.cpp, which is who writes, has a lock. All of it does nothing where
// there is no screen.
#pragma once

#include <string_view>

#include "arch/x86/screen/framebuffer.h"

namespace bf::x86 {

// Takes over a screen of text or pixels at an address that is mapped, and clears it; or goes on with
// the same one. What is on the terminal already is drawn.
void start_text_screen(u64 address, u32 columns, u32 rows);
void start_pixel_screen(const PixelScreen& pixels);

// The memory of the screen may not be touched from now on, until it is started again.
void stop_drawing();

bool has_screen();
u32 screen_columns();
u32 screen_rows();

// No colours: NO_COLOR.
void make_screen_plain();

// Lines of the log come between lines of text: while one is open, they wait for its end (or until there
// is no room for more of them).
enum class ScreenText : u8 { Text, Log };
void write_to_screen(std::string_view bytes, ScreenText what);
// What waits is shown now, on lines of its own.
void show_waiting_log();

// The last row shows this from now on, and the others scroll above it.
void show_status_on_screen(std::string_view line);

// Draws all that has changed, or, if it was drawn a moment ago, nothing: false, and is to be asked
// again in kScreenPauseNs.
[[nodiscard]] bool draw_screen_if_due();
void draw_screen();
inline constexpr u64 kScreenPauseNs = 40'000'000;

}  // namespace bf::x86
