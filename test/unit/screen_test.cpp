// The screen, as far as it is no hardware: bytes to cells, cells to pixels.
#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "arch/x86/screen/character_width.h"
#include "arch/x86/screen/font.h"
#include "arch/x86/screen/framebuffer.h"
#include "arch/x86/screen/terminal.h"
#include "arch/x86/screen/vga_text.h"

using namespace bf;
using namespace bf::x86;

namespace {

std::string utf8(u32 c) {
  std::string s;
  if (c < 0x80) return s += static_cast<char>(c);
  if (c >= 0x10000) s += static_cast<char>(0xf0 | c >> 18), s += static_cast<char>(0x80 | (c >> 12 & 63));
  else if (c >= 0x800) s += static_cast<char>(0xe0 | c >> 12);
  if (c >= 0x800) s += static_cast<char>(0x80 | (c >> 6 & 63));
  else s += static_cast<char>(0xc0 | c >> 6);
  return s += static_cast<char>(0x80 | (c & 63));
}

// A terminal with its cells, and one row of guards behind them.
struct Screen {
  explicit Screen(u32 columns = 10, u32 rows = 4, Terminal::Colours colours = Terminal::Colours::Ansi)
      : cells(columns * (rows + 1), Cell{'#', 1, 2, 0, 1}) {
    terminal.start(cells.data(), columns, rows, colours);
  }
  void write(std::string_view bytes) { terminal.write(bytes); }
  const Cell& at(u32 row, u32 column) const { return cells[row * terminal.columns() + column]; }
  // Without the blanks at its end; of wide characters the left half.
  std::string row(u32 number) const {
    std::string text;
    for (u32 i = 0; i < terminal.columns(); ++i)
      if (static_cast<Half>(u32{at(number, i).half}) != Half::Right) text += utf8(at(number, i).character);
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }
  std::string all() const {
    std::string text;
    for (u32 i = 0; i < terminal.rows(); ++i) text += row(i) + (i + 1 < terminal.rows() ? "|" : "");
    return text;
  }
  std::string cursor() const {
    return std::to_string(terminal.cursor_row()) + "," + std::to_string(terminal.cursor_column());
  }
  bool is_sound() const {
    const u32 columns = terminal.columns();
    for (usize i = cells.size() - columns; i < cells.size(); ++i)
      if (!(cells[i] == Cell{'#', 1, 2, 0, 1})) return false;
    for (u32 r = 0; r < terminal.rows(); ++r)
      for (u32 c = 0; c < columns; ++c) {
        const auto half = static_cast<Half>(u32{at(r, c).half});
        const auto next = c + 1 < columns ? static_cast<Half>(u32{at(r, c + 1).half}) : Half::None;
        if ((half == Half::Left) != (next == Half::Right)) return false;
        if (c == 0 && half == Half::Right) return false;
        if (half == Half::Left && at(r, c).character != at(r, c + 1).character) return false;
      }
    return terminal.cursor_row() < terminal.rows() && terminal.cursor_column() < columns;
  }

  std::vector<Cell> cells;
  Terminal terminal;
};

std::string shown(std::string_view bytes, u32 columns = 10, u32 rows = 4) {
  Screen screen(columns, rows);
  screen.write(bytes);
  REQUIRE(screen.is_sound());
  return screen.all();
}

}  // namespace

TEST_CASE("terminal: text, line ends, wrapping, scrolling") {
  CHECK(shown("ab\ncd") == "ab|cd||");
  CHECK(shown("0123456789") == "0123456789|||");
  CHECK(shown("0123456789\nx") == "0123456789|x||");
  CHECK(shown("0123456789x") == "0123456789|x||");
  CHECK(shown("0123456789\rx") == "x123456789|||");
  CHECK(shown("0123456789\bx") == "01234567x9|||");
  CHECK(shown("a\tb\tc") == "a       bc|||");
  CHECK(shown("1\n2\n3\n4\n5") == "2|3|4|5");
  CHECK(shown("1\n2\n3\n4\n5\x1bM\x1bM\x1bM\x1bM0") == " 0|2|3|4");
  CHECK(shown("a\x07\x7f\x00z") == "a|||");  // the text ends at its zero byte
  CHECK(shown(std::string_view("a\0\x07\x7fz", 5)) == "az|||");
}

TEST_CASE("terminal: every sequence of the table") {
  struct {
    const char* bytes;
    const char* all;
    const char* cursor;
  } const cases[] = {
      {"abc\x1b[2D\x1b[@X", "aXbc|||", "0,2"},
      {"ab\n\ncd\x1b[2Ax", "abx||cd|", "0,3"},
      {"ab\x1b[9Ax", "abx|||", "0,3"},
      {"ab\x1b[2Bx", "ab||  x|", "2,3"},
      {"ab\x1b[3Cx", "ab   x|||", "0,6"},
      {"ab\x1b[99Cx", "ab       x|||", "0,9"},
      {"abc\x1b[2Dx", "axc|||", "0,2"},
      {"ab\x1b[2Ex", "ab||x|", "2,1"},
      {"ab\n\nc\x1b[Fx", "ab|x|c|", "1,1"},
      {"abc\x1b[2Gx", "axc|||", "0,2"},
      {"\x1b[3;4Hx\x1b[Hy", "y||   x|", "0,1"},
      {"ab\ncd\nef\x1b[2;2H\x1b[J", "ab|c||", "1,1"},
      {"ab\ncd\nef\x1b[2;2H\x1b[1J", "||ef|", "1,1"},
      {"ab\ncd\x1b[2J", "|||", "1,2"},
      {"abcd\x1b[2D\x1b[K", "ab|||", "0,2"},
      {"abcd\x1b[2D\x1b[1K", "   d|||", "0,2"},
      {"abcd\x1b[2D\x1b[2Kx", "  x|||", "0,3"},
      {"1\n2\n3\x1b[2H\x1b[L", "1||2|3", "1,0"},
      {"1\n2\n3\x1b[1H\x1b[2M", "3|||", "0,0"},
      {"abcdef\x1b[1;3H\x1b[2P", "abef|||", "0,2"},
      {"1\n2\n3\x1b[2S", "3|||", "2,1"},
      {"1\n2\x1b[T", "|1|2|", "1,1"},
      {"abcdef\x1b[1;3H\x1b[2X", "ab  ef|||", "0,2"},
      {"ab\x1b[5`x", "ab  x|||", "0,5"},
      {"ab\x1b[2ax", "ab  x|||", "0,5"},
      {"ab\x1b[3dx", "ab||  x|", "2,3"},
      {"ab\x1b[ex", "ab|  x||", "1,3"},
      {"\x1b[2;3fx", "|  x||", "1,3"},
      {"\x1b[2;3r1\n2\n3\n4\n5", "1|4|5|", "2,1"},
      {"ab\x1b[s\ncd\x1b[ux", "abx|cd||", "0,3"},
      {"ab\x1b""7\ncd\x1b""8x", "abx|cd||", "0,3"},
      {"ab\x1b[?7l0123456789", "ab01234569|||", "0,9"},
      {"ab\x1b" "cx", "x|||", "0,1"},
      {"a\x1b" "Db\x1b" "Ec", "a| b|c|", "2,1"},
  };
  std::string letters;
  for (const auto& c : cases) {
    Screen screen;
    screen.write(c.bytes);
    INFO(c.bytes + 0);
    CHECK(screen.all() == c.all);
    CHECK(screen.cursor() == c.cursor);
    CHECK(screen.is_sound());
    letters += c.bytes;
  }
#define BF_SEQUENCE(final, action, text) CHECK((final == 'm' || letters.find(final) != std::string::npos));
#include "arch/x86/screen/terminal_sequences.def"
#undef BF_SEQUENCE
}

TEST_CASE("terminal: what it does not know is passed over") {
  CHECK(shown("a\x1b[>1;2;3cb\x1b[1!pc\x1b(Bd\x1b[?2004he\x1b[5nf") == "abcdef|||");
  CHECK(shown("a\x1b]0;title\x1b\\b\x1bPxyz\x1b\\c") == "abc|||");
  CHECK(shown("a\x1b]0;title\x07" "b") == "ab|||");
  CHECK(shown("a\x1b]never ended\nb") == "a|b||");
  CHECK(shown("a\x1b[3\x18" "1mb") == "a1mb|||");
  CHECK(shown("a\x1b[1;2\n3Hb") == "a        b|||");  // the line end happened; then to row 1, column 23
  CHECK(shown("a\x1b[99999999999999999999Cb") == "a        b|||");
  CHECK(shown("\x1b[1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;1;31mb") == "b|||");
}

TEST_CASE("terminal: colours and attributes") {
  Screen screen(40, 2);
  screen.terminal.set_usual_foreground(8);
  screen.write("a\x1b[31mb\x1b[1mc\x1b[44;97md\x1b[7me\x1b[0;4mf\x1b[24;39;49mg\x1b[38;5;196mh"
               "\x1b[48;2;0;0;250;32mi\x1b[m");
  screen.terminal.set_usual_foreground(7);
  screen.write("j\x1b[1mk\x1b[22;2ml");
  const Cell expected[] = {{'a', 8, 0, 0, 0},  {'b', 1, 0, 0, 0},  {'c', 9, 0, 0, 0}, {'d', 15, 4, 0, 0},
                           {'e', 4, 15, 0, 0}, {'f', 8, 0, 0, 1},  {'g', 8, 0, 0, 0}, {'h', 9, 0, 0, 0},
                           {'i', 2, 12, 0, 0}, {'j', 7, 0, 0, 0},  {'k', 15, 0, 0, 0}, {'l', 8, 0, 0, 0}};
  for (u32 i = 0; i < std::size(expected); ++i) {
    INFO(static_cast<char>(expected[i].character));
    CHECK(screen.at(0, i) == expected[i]);
  }
  Screen plain(10, 1, Terminal::Colours::None);
  plain.write("\x1b[31;44;1ma\x1b[38;5;196mb\x1b[7mc");
  CHECK(plain.at(0, 0) == Cell{'a', 7, 0, 0, 0});
  CHECK(plain.at(0, 1) == Cell{'b', 7, 0, 0, 0});
  CHECK(plain.at(0, 2) == Cell{'c', 0, 7, 0, 0});
}

TEST_CASE("terminal: UTF-8, as Unicode says what is wrong in it") {
  CHECK(shown("\u00e9\u03bb\u0416\u2500\U0001d11e") == "\u00e9\u03bb\u0416\u2500\U0001d11e|||");
  CHECK(shown("a\xff" "b\xc3" "c\xe2\x82" "d\xf0\x9f\x98" "e") == "a\ufffdb\ufffdc\ufffdd\ufffde|||");
  CHECK(shown("\xc0\xaf|\xe0\x80\x80|") == "\ufffd\ufffd|\ufffd\ufffd\ufffd||||");
  CHECK(shown("\xed\xa0\x80\xf4\x90\x80\x80") == "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd|||");
  CHECK(shown("\x80\xbf") == "\ufffd\ufffd|||");
  CHECK(shown("\xe2\x82\x1b[2Cx") == "\ufffd  x|||");
}

TEST_CASE("terminal: wide characters and combining marks") {
  CHECK(shown("\u4e16\u754c!") == "\u4e16\u754c!|||");
  CHECK(shown("012345678\u4e16x") == "012345678|\u4e16x||");
  CHECK(shown("\u4e16\u754c\x1b[2Gx") == " x\u754c|||");
  CHECK(shown("\u4e16\u754c\x1b[3Gx") == "\u4e16x|||");
  CHECK(shown("\u4e16\u754c\x1b[2G\x1b[X") == "  \u754c|||");
  CHECK(shown("\u4e16\u754c\x1b[2G\x1b[P") == " \u754c|||");
  CHECK(shown("a\u4e16\u754c\x1b[3G\x1b[@") == "a   \u754c|||");
  CHECK(shown("0123456\u4e16\x1b[1G\x1b[@") == " 0123456\u4e16|||");
  CHECK(shown("01234567\u4e16\x1b[1G\x1b[@") == " 01234567|||");
  CHECK(shown("e\u0301a\u0308\u0301x\u0301") == "\u00e9\u00e4x|||");
  CHECK(shown("\u0301" "012345678e\u0301") == "012345678\u00e9|||");
  CHECK(shown("a\u200db\u00adc") == "ab\u00adc|||");
}

TEST_CASE("terminal: rows that are given up and taken back") {
  Screen screen;
  screen.write("1\n2\n3\n4");
  screen.terminal.set_rows(3);
  CHECK(screen.all() == "2|3|4");
  CHECK(screen.cursor() == "2,1");
  screen.write("\n5");
  CHECK(screen.all() == "3|4|5");
  screen.terminal.set_rows(4);
  CHECK(screen.all() == "3|4|5|");
  CHECK(screen.is_sound());
}

TEST_CASE("terminal: changed rows are told") {
  Screen screen;
  screen.terminal.take_changes();
  const auto changes = [&](const char* bytes) {
    screen.write(bytes);
    const auto range = screen.terminal.take_changes();
    return std::to_string(range.first) + "-" + std::to_string(range.last);
  };
  CHECK(changes("x") == "0-1");
  CHECK(changes("\x1b[3;1Hx") == "2-3");
  CHECK(changes("\x1b[4;1H\n") == "0-4");
  CHECK(changes("\x1b[1;1H") == "0-0");
}

TEST_CASE("terminal: any stream leaves it sound, however it is cut") {
  std::mt19937 random(7);
  const char* const pieces[] = {"\x1b[", "\x1b", "?", ";", "1", "23", "9999", "H", "J", "K", "m", "r", "L", "M",
                                "@", "P", "X", "S", "T", "A", "B", "C", "D", "7", "8", "h", "l", "\n",
                                "\r", "\b", "\t", "abc", "\u4e16", "\u00e9", "\u0301", "\xff", "\xe4\xb8",
                                "]", "\\", "c", " ", "u", "s"};
  for (int round = 0; round < 3000; ++round) {
    std::string bytes;
    for (u32 n = random() % 60; n > 0; --n) bytes += pieces[random() % std::size(pieces)];
    const u32 columns = 2 + random() % 12, rows = 1 + random() % 5;
    Screen whole(columns, rows), cut(columns, rows);
    whole.write(bytes);
    const usize at = bytes.empty() ? 0 : random() % bytes.size();
    cut.write(std::string_view(bytes).substr(0, at));
    cut.write(std::string_view(bytes).substr(at));
    INFO(bytes);
    REQUIRE(whole.is_sound());
    REQUIRE(whole.cells == cut.cells);
    REQUIRE(whole.cursor() == cut.cursor());
  }
}

TEST_CASE("widths of characters") {
  CHECK(character_width('a') == 1);
  CHECK(character_width(0xad) == 1);
  CHECK(character_width(0x300) == 0);
  CHECK(character_width(0x36f) == 0);
  CHECK(character_width(0x370) == 1);
  CHECK(character_width(0x200d) == 0);
  CHECK(character_width(0x4e16) == 2);
  CHECK(character_width(0xac00) == 2);
  CHECK(character_width(0x1f600) == 2);
  CHECK(character_width(0x10ffff) == 1);
  CHECK(character_width(0x2500) == 1);
}

TEST_CASE("font: its characters are found, others are the replacement") {
  u32 glyphs = 0;
  for (u32 i = 0; i < kFontRunCount; ++i) {
    const FontRun& run = kFontRuns[i];
    CHECK(run.first <= run.last);
    CHECK(run.glyph == glyphs);
    if (i > 0) CHECK(run.first > kFontRuns[i - 1].last);
    for (u32 c = run.first; c <= run.last; ++c) CHECK(find_glyph(c) == kGlyphs[glyphs++]);
  }
  CHECK(glyphs == kGlyphCount);
  for (const u32 c : {0x4e16u, 0x10ffffu, 0u, 0x7fu, 0x1f600u}) {
    CHECK(find_glyph(c) == find_glyph(0xfffd));
    CHECK_FALSE(has_glyph(c));
  }
  // Latin, Greek, Cyrillic, boxes, blocks, arrows.
  for (const u32 c : {0xe9u, 0x17eu, 0x3bbu, 0x416u, 0x44fu, 0x2500u, 0x256cu, 0x2588u, 0x2592u, 0x2190u, 0x2193u,
                      0x20acu, 0x2026u, 0x201cu})
    CHECK(has_glyph(c));
  CHECK(std::strstr(kFontNotice, "Terminus") != nullptr);
  CHECK(composed('e', 0x301) == 0xe9);
  CHECK(composed(0x438, 0x306) == 0x439);
  CHECK(composed('x', 0x301) == 0);
  for (u32 i = 0; i < kCompositionCount; ++i)
    CHECK(composed(kCompositions[i].base, kCompositions[i].mark) == kCompositions[i].character);
}

TEST_CASE("VGA text: characters of code page 437, and what is like them") {
  CHECK(vga_character('A') == 'A');
  CHECK(vga_character(0xe9) == 0x82);
  CHECK(vga_character(0x2588) == 0xdb);
  CHECK(vga_character(0x255a) == 0xc8);
  CHECK(vga_character(0x2192) == 0x1a);
  CHECK(vga_character(0xa0) == 0xff);
  CHECK(vga_character(0x10d) == 'c');
  CHECK(vga_character(0x2019) == '\'');
  CHECK(vga_character(0x416) == '?');
  CHECK(vga_character(0x4e16) == '?');
}

namespace {

PixelScreen pixels_of(u32 width, u32 height, u32 bits, u32 more_pitch = 0) {
  PixelScreen p;
  p.address = 0x1000;
  p.width = width;
  p.height = height;
  p.bits = bits;
  p.pitch_bytes = width * ((bits + 7) / 8) + more_pitch;
  const bool small = bits <= 16;
  p.blue = {0, static_cast<u8>(small ? 5 : 8)};
  p.green = {static_cast<u8>(small ? 5 : 8), static_cast<u8>(bits == 16 ? 6 : small ? 5 : 8)};
  p.red = {static_cast<u8>(bits == 16 ? 11 : small ? 10 : 16), static_cast<u8>(small ? 5 : 8)};
  return p;
}

}  // namespace

TEST_CASE("framebuffer: what cannot be drawn on is refused") {
  CHECK(check_pixels(pixels_of(1024, 768, 32)));
  CHECK(check_pixels(pixels_of(800, 600, 24, 5)));
  const auto refused = [](auto change) {
    PixelScreen p = pixels_of(1024, 768, 32);
    change(p);
    return !check_pixels(p);
  };
  CHECK(refused([](PixelScreen& p) { p.address = 0; }));
  CHECK(refused([](PixelScreen& p) { p.bits = 8; }));
  CHECK(refused([](PixelScreen& p) { p.width = 10; }));
  CHECK(refused([](PixelScreen& p) { p.height = 100'000; }));
  CHECK(refused([](PixelScreen& p) { p.pitch_bytes -= 1; }));
  CHECK(refused([](PixelScreen& p) { p.pitch_bytes = ~0u; }));
  CHECK(refused([](PixelScreen& p) { p.address = ~u64{0} - 100; }));
  CHECK(refused([](PixelScreen& p) { p.red = {28, 8}; }));
  CHECK(refused([](PixelScreen& p) { p.green = {0, 0}; }));
}

TEST_CASE("framebuffer: glyphs, pixel by pixel, in every format, and nothing else is touched") {
  for (const u32 bits : {15u, 16u, 24u, 32u})
    for (const u32 width : {330u, 1920u}) {
      const PixelScreen p = pixels_of(width, 203, bits, 12);
      constexpr u8 kGuard = 0xa5;
      std::vector<u8> memory(p.bytes() + 64, kGuard);
      Framebuffer screen;
      screen.start(memory.data(), p);
      const u32 scale = width >= 1920 ? 2 : 1;
      CHECK(screen.columns() == width / 8 / scale);
      CHECK(screen.rows() == 203 / 16 / scale);
      screen.clear();
      const auto pixel = [&](u32 x, u32 y) {
        u32 value = 0;
        std::memcpy(&value, &memory[y * p.pitch_bytes + x * ((bits + 7) / 8)], (bits + 7) / 8);
        return value;
      };
      const u32 row = screen.rows() - 1, column = screen.columns() - 1;
      screen.draw(row, column, Cell{'R', 2, 4, 0, 0});
      const u32 x0 = screen.left() + column * screen.cell_width();
      const u32 y0 = screen.top() + row * screen.cell_height();
      u32 smoothed = 0;
      for (u32 y = 0; y < p.height; ++y)
        for (u32 x = 0; x < p.width; ++x) {
          const bool inside = x >= x0 && x < x0 + 8 * scale && y >= y0 && y < y0 + 16 * scale;
          if (!inside) {
            if (pixel(x, y) != screen.pixel(0)) FAIL("outside of the cell at " << x << ", " << y);
            continue;
          }
          const bool set = find_glyph('R')[(y - y0) / scale] >> (7 - (x - x0) / scale) & 1;
          if (pixel(x, y) != screen.pixel(set ? 2 : 4)) {
            ++smoothed;
            CHECK(pixel(x, y) == screen.pixel(set ? 4 : 2));
          }
        }
      CHECK((scale == 1 ? smoothed == 0 : smoothed > 0 && smoothed < 64));
      for (u32 y = 0; y < p.height; ++y)
        for (u32 i = 0; i < 12; ++i) REQUIRE(memory[(y + 1) * p.pitch_bytes - 1 - i] == kGuard);
      for (usize i = p.bytes(); i < memory.size(); ++i) REQUIRE(memory[i] == kGuard);
    }
}

TEST_CASE("framebuffer: never more cells than there is room for") {
  for (const auto [width, height] : {std::pair{3840u, 2160u}, {7680u, 4320u}, {16384u, 16384u}, {1919u, 16384u}}) {
    const PixelScreen p = pixels_of(width, height, 16);
    REQUIRE(check_pixels(p));
    Framebuffer screen;
    screen.start(nullptr, p);
    CHECK(screen.columns() * screen.rows() <= kMostCells);
    CHECK(screen.left() + screen.columns() * screen.cell_width() <= width);
    CHECK(screen.top() + screen.rows() * screen.cell_height() <= height);
  }
}
