#include "arch/x86/screen/font.h"

namespace bf::x86 {

namespace {

const FontRun* find_run(u32 character) {
  u32 low = 0, high = kFontRunCount;
  while (low < high) {
    const u32 middle = (low + high) / 2;
    const FontRun& run = kFontRuns[middle];
    if (character < run.first) high = middle;
    else if (character > run.last) low = middle + 1;
    else return &run;
  }
  return nullptr;
}

}  // namespace

const u8* find_glyph(u32 character) {
  // Nearly all text is ASCII, which is what the font begins with.
  if (character >= ' ' && character < 0x7f) return kGlyphs[character - ' '];
  const FontRun* run = find_run(character);
  return kGlyphs[run == nullptr ? kReplacementGlyph : run->glyph + (character - run->first)];
}

bool has_glyph(u32 character) {
  return find_run(character) != nullptr;
}

u32 composed(u32 base, u32 mark) {
  u32 low = 0, high = kCompositionCount;
  const u64 wanted = u64{base} << 32 | mark;
  while (low < high) {
    const u32 middle = (low + high) / 2;
    const Composition& c = kCompositions[middle];
    const u64 here = u64{c.base} << 32 | c.mark;
    if (here == wanted) return c.character;
    if (here < wanted) low = middle + 1;
    else high = middle;
  }
  return 0;
}

}  // namespace bf::x86
