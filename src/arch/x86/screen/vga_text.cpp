#include "arch/x86/screen/vga_text.h"

#include "arch/x86/port_io.h"
#include "arch/x86/screen/font.h"

namespace bf::x86 {

namespace {

constexpr u32 kMostVgaCells = 16 * 1024;
constexpr u16 kBlank = 0x0700 | ' ';

// What the VGA's character generator shows for the bytes from 1 and from 0x80 on.
constexpr char16_t kLow[] = u"☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
constexpr char16_t kHigh[] =
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘"
    u"┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";
static_assert(sizeof kLow == 32 * sizeof(char16_t) && sizeof kHigh == 129 * sizeof(char16_t));

struct Likeness {
  char16_t character;
  char looks_like;
};
constexpr Likeness kLikenesses[] = {{u'‐', '-'}, {u'‑', '-'}, {u'‒', '-'}, {u'–', '-'}, {u'—', '-'},
                                    {u'‘', '\''}, {u'’', '\''}, {u'‚', ','}, {u'“', '"'},
                                    {u'”', '"'}, {u'„', '"'}, {u'…', '.'}, {u'‹', '<'}, {u'›', '>'},
                                    {u'×', 'x'}, {u'−', '-'}};

u8 find_in(const char16_t* table, u32 count, u32 character, u32 first) {
  for (u32 i = 0; i < count; ++i)
    if (table[i] == character) return static_cast<u8>(first + i);
  return 0;
}

// The letter under an accent.
u32 base_of(u32 character) {
  for (u32 i = 0; i < kCompositionCount; ++i)
    if (kCompositions[i].character == character) return kCompositions[i].base;
  return 0;
}

// Red and blue change places between ECMA-48 and the VGA.
u32 vga_colour(u32 colour) {
  return (colour & 0xa) | (colour & 1) << 2 | (colour >> 2 & 1);
}

constexpr u32 kPalette[] = {
#define BF_COLOUR(name, rgb) rgb,
#include "arch/x86/screen/palette.def"
#undef BF_COLOUR
};

// The colours of palette.def: where the attribute controller looks for each of the sixteen in the
// DAC (IBM VGA technical reference, the usual contents of its palette), which has 6 bits a channel.
void set_palette() {
  constexpr u8 kPlaces[] = {0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f};
  constexpr u16 kDacIndex = 0x3c8, kDacData = 0x3c9;
  for (u32 i = 0; i < 16; ++i) {
    out8(kDacIndex, kPlaces[vga_colour(i)]);
    for (const u32 shift : {16, 8, 0})
      out8(kDacData, static_cast<u8>((kPalette[i] >> shift & 0xff) >> 2));
  }
}

}  // namespace

u8 vga_character(u32 character) {
  if (character >= ' ' && character < 0x7f) return static_cast<u8>(character);
  if (const u8 high = find_in(kHigh, 128, character, 0x80)) return high;
  if (const u8 low = find_in(kLow, 31, character, 1)) return low;
  for (const Likeness& l : kLikenesses)
    if (l.character == character) return static_cast<u8>(l.looks_like);
  const u32 base = base_of(character);
  return base == 0 ? '?' : vga_character(base);
}

bool VgaText::has_size(u32 columns, u32 rows) {
  return columns >= 2 && rows >= 1 && columns <= 255 && rows <= kMostVgaCells / columns;
}

void VgaText::start(u16* memory, u32 columns, u32 rows) {
  memory_ = memory;
  columns_ = columns;
  rows_ = rows;
  set_palette();
}

void VgaText::clear() {
  for (u32 i = 0; i < columns_ * rows_; ++i) memory_[i] = kBlank;
}

void VgaText::draw(u32 row, u32 column, Cell cell) {
  const bool is_blank = static_cast<Half>(u32{cell.half}) == Half::Right;
  const u32 character = vga_character(is_blank ? ' ' : u32{cell.character});
  // The highest bit of the background may mean blinking.
  const u32 attribute = vga_colour(cell.background) % 8 << 4 | vga_colour(cell.foreground);
  memory_[row * columns_ + column] = static_cast<u16>(attribute << 8 | character);
}

void VgaText::move_cursor(u32 row, u32 column, bool shown) {
  // The CRT controller's cursor location (VGA registers 3D4 index 0E and 0F); below the screen it is
  // not seen.
  const u32 position = shown ? row * columns_ + column : columns_ * rows_;
  out16(0x3d4, static_cast<u16>(0x0e | (position & 0xff00)));
  out16(0x3d4, static_cast<u16>(0x0f | (position & 0xff) << 8));
}

}  // namespace bf::x86
