// The screen's font: 8 x 16 pixels a character, made by scripts/font.py at build time.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

inline constexpr u32 kGlyphWidth = 8, kGlyphHeight = 16;

// Characters from `first` to `last` have glyphs one after the other, from `glyph` on.
struct FontRun {
  u16 first, last, glyph;
};

// `character` is `base` with the combining mark on it.
struct Composition {
  u16 base, mark, character;
};

// In the file that scripts/font.py makes: runs and compositions are ascending (by base, then mark).
extern const FontRun kFontRuns[];
extern const u32 kFontRunCount;
extern const u8 kGlyphs[][kGlyphHeight];
extern const u32 kGlyphCount, kReplacementGlyph;
extern const Composition kCompositions[];
extern const u32 kCompositionCount;
extern const char kFontNotice[];  // whose font it is

// The rows of a character's glyph, the leftmost pixel in the highest bit; those of U+FFFD if the font
// does not have it.
const u8* find_glyph(u32 character);
bool has_glyph(u32 character);

// The character that `base` and a combining mark are together; 0 if the font has none.
u32 composed(u32 base, u32 mark);

}  // namespace bf::x86
