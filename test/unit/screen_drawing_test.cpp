// The whole screen in memory: what is drawn, and how much of it.
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <vector>

#include "arch/x86/screen/font.h"
#include "arch/x86/screen/screen.h"

using namespace bf;
using namespace bf::x86;

namespace {

constexpr u32 kWidth = 400, kHeight = 208, kColumns = kWidth / 8, kRows = kHeight / 16;
std::vector<u32> memory(kWidth* kHeight);

PixelScreen pixels() {
  PixelScreen p;
  p.address = reinterpret_cast<u64>(memory.data());
  p.pitch_bytes = kWidth * 4;
  p.width = kWidth;
  p.height = kHeight;
  p.bits = 32;
  p.red = {16, 8};
  p.green = {8, 8};
  p.blue = {0, 8};
  return p;
}

// ASCII of a row: what differs from the cell's last pixel, which is in no letter.
std::string row(u32 number) {
  std::string text;
  for (u32 column = 0; column < kColumns; ++column) {
    u8 rows[kGlyphHeight] = {};
    for (u32 y = 0; y < kGlyphHeight; ++y)
      for (u32 x = 0; x < 8; ++x) {
        const auto pixel = [&](u32 at_x, u32 at_y) {
          return memory[(number * 16 + at_y) * kWidth + column * 8 + at_x];
        };
        if (pixel(x, y) != pixel(7, 15)) rows[y] |= static_cast<u8>(0x80 >> x);
      }
    char found = '#';
    for (char c = ' '; c < 0x7f; ++c)
      if (std::memcmp(find_glyph(static_cast<u32>(c)), rows, sizeof rows) == 0) found = c;
    text += found;
  }
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

u32 changed_cells(const std::vector<u32>& before) {
  u32 count = 0;
  for (u32 cell = 0; cell < kColumns * kRows; ++cell) {
    bool same = true;
    for (u32 i = 0; i < 128; ++i) {
      const u32 at = (cell / kColumns * 16 + i / 8) * kWidth + cell % kColumns * 8 + i % 8;
      same = same && memory[at] == before[at];
    }
    count += same ? 0 : 1;
  }
  return count;
}

}  // namespace

// One case, because there is one screen.
TEST_CASE("screen: text, log and status line, and no more is drawn than has changed") {
  write_to_screen("nobody sees this", ScreenText::Text);
  draw_screen();
  CHECK_FALSE(has_screen());

  start_pixel_screen(pixels());
  REQUIRE(has_screen());
  CHECK((screen_columns() == kColumns && screen_rows() == kRows));
  write_to_screen("[log] one\n", ScreenText::Log);
  write_to_screen("a story", ScreenText::Text);
  write_to_screen("[log] two\nerror: three\n", ScreenText::Log);
  write_to_screen(" goes on", ScreenText::Text);
  draw_screen();
  CHECK(row(0) == "[log] one");
  CHECK(row(1) == "a story goes on");
  CHECK(row(2) == "");
  write_to_screen(".\nAnd another", ScreenText::Text);
  draw_screen();
  CHECK(row(1) == "a story goes on.");
  CHECK(row(2) == "[log] two");
  CHECK(row(3) == "error: three");
  CHECK(row(4) == "And another");
  write_to_screen("[log] four\n", ScreenText::Log);
  show_waiting_log();
  draw_screen();
  CHECK(row(5) == "[log] four");

  // A letter is two cells: its own, and the cursor's new one.
  std::vector<u32> before = memory;
  write_to_screen("x", ScreenText::Text);
  draw_screen();
  CHECK(changed_cells(before) == 2);
  before = memory;
  draw_screen();
  CHECK(changed_cells(before) == 0);

  // Nothing but what is different is written at all: the rest keeps what somebody else has put there.
  constexpr u32 kMark = 0x123456;
  std::fill(memory.begin(), memory.end(), kMark);
  write_to_screen("y", ScreenText::Text);
  draw_screen();
  u32 written = 0;
  for (const u32 pixel : memory) written += pixel != kMark;
  CHECK(written == 2 * 128);

  // From here on all of it is wrong but what is drawn again.
  write_to_screen("\x1b[2J\x1b[H", ScreenText::Text);
  for (u32 i = 0; i < kRows; ++i) write_to_screen("\n" + std::string(kColumns, '#'), ScreenText::Text);
  draw_screen();
  show_status_on_screen(" 12 tokens \u2502 a line that is much longer than the screen is wide, which is fifty cells");
  write_to_screen("\x1b[H\x1b[Ktop", ScreenText::Text);
  draw_screen();
  CHECK(row(0) == "top");
  CHECK(row(kRows - 1).substr(0, 11) == " 12 tokens ");
  write_to_screen("\x1b[99;1H\none\ntwo\n", ScreenText::Text);
  draw_screen();
  CHECK(row(kRows - 1).substr(0, 11) == " 12 tokens ");
  CHECK(row(kRows - 3) == "two");

  // While the memory may not be touched nothing is; afterwards it goes on.
  before = memory;
  stop_drawing();
  write_to_screen("three", ScreenText::Text);
  draw_screen();
  CHECK(changed_cells(before) == 0);
  start_pixel_screen(pixels());
  draw_screen();
  CHECK(row(kRows - 2) == "three");
}
