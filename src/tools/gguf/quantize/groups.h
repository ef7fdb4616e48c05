// Sixteen groups of kSize neighbouring weights side by side, one in each lane: what shares a scale
// is searched for without a sum across lanes, and sixteen searches cost one.
//
//   Groups<32> groups;
//   groups.load(x, count);           // lane l of x[i] = from[32 l + i], zero behind the end
//   groups.round(scale, minimum, 0, 15);
//   groups.levels[32 * l + i]        // in the order of the weights
#pragma once

#include "tools/gguf/quantize/lanes.h"

namespace bf::gguf {

template <u32 kSize>
struct Groups {
  static constexpr u64 kElements = kSize * kLanes;

  Lanes x[kSize];
  u8 levels[kElements];

  BF_INLINE void load(const float* from, u64 count) {
    for (u32 lane = 0; lane < kLanes; ++lane)
      for (u32 i = 0; i < kSize; ++i)
        x[i].set(lane, kSize * lane + i < count ? from[kSize * lane + i] : 0.0f);
  }

  // levels = the nearest to (x - minimum) / scale, from `least` to `most`; less `least`, so that
  // they start at 0. Where the scale is 0, the level of the value 0.
  BF_INLINE void round(const Lanes& scale, const Lanes& minimum, float least, float most) {
    const Lanes inverse = reciprocal(scale);
    for (u32 i = 0; i < kSize; ++i)
      set(i, nearest(clamp((x[i] - minimum) * inverse, least, most)) - least);
  }

  BF_INLINE void set(u32 i, const Lanes& level) {
    const auto integers = __builtin_convertvector(level.v, Mask::Vector);
    for (u32 lane = 0; lane < kLanes; ++lane)
      levels[kSize * lane + i] = static_cast<u8>(integers[lane]);
  }
};

}  // namespace bf::gguf
