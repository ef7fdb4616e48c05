#include "inference/character_width.h"

namespace inference {

namespace {

struct WidthRange {
  u32 first, last, cells;
};
constexpr WidthRange kRanges[] = {
#define BF_WIDTH(first, last, cells) {first, last, cells},
#include "runtime/character_widths.def"
#undef BF_WIDTH
};

}  // namespace

u64 character_width(u32 character) {
  u64 low = 0, high = sizeof kRanges / sizeof kRanges[0];
  while (low < high) {
    const u64 middle = (low + high) / 2;
    if (character < kRanges[middle].first) high = middle;
    else if (character > kRanges[middle].last) low = middle + 1;
    else return kRanges[middle].cells;
  }
  return 1;
}

}  // namespace inference
