#include "arch/x86/screen/character_width.h"

namespace bf::x86 {

namespace {

struct WidthRange {
  u32 first;
  u32 last : 24;
  u32 cells : 8;
};
constexpr WidthRange kRanges[] = {
#define BF_WIDTH(first, last, cells) {first, last, cells},
#include "runtime/character_widths.def"
#undef BF_WIDTH
};

}  // namespace

u32 character_width(u32 character) {
  if (character < kRanges[0].first) return 1;
  usize low = 0, high = sizeof kRanges / sizeof kRanges[0];
  while (low < high) {
    const usize middle = (low + high) / 2;
    const WidthRange& range = kRanges[middle];
    if (character < range.first) high = middle;
    else if (character > range.last) low = middle + 1;
    else return range.cells;
  }
  return 1;
}

}  // namespace bf::x86
