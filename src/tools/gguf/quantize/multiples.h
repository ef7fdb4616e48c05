// Scales of a block's groups as small integer multiples of a half.
#pragma once

#include <algorithm>
#include <cmath>

#include "tools/gguf/quantize/groups.h"
#include "tools/gguf/quantize/half.h"

namespace bf::gguf {

// The scales of one block's groups as multiples of a half.
struct Multiples {
  u16 unit = 0;
  i32 of[kLanes] = {};
};

// `scales[first .. first + count)`, as integers from `least` to `most`, of which the end with the
// larger magnitude is `extreme`; replaces the scales by what is left of them.
BF_INLINE Multiples round_scales(Lanes& scales, u32 first, u32 count, i32 extreme, i32 least,
                                 i32 most) {
  // Two variables for the reason that fit_signed has.
  float largest = 0, magnitude = 0;
  for (u32 i = first; i < first + count; ++i) {
    if (__builtin_fabsf(scales[i]) <= magnitude) continue;
    largest = scales[i];
    magnitude = __builtin_fabsf(largest);
  }
  Multiples result;
  result.unit = float_to_half(largest / static_cast<float>(extreme));
  const float unit = half_to_float(result.unit);
  for (u32 i = first; i < first + count; ++i) {
    const float wanted = unit == 0 ? 0 : scales[i] / unit;
    const i32 multiple = std::clamp(static_cast<i32>(std::lrintf(wanted)), least, most);
    result.of[i - first] = multiple;
    scales.set(i, unit * static_cast<float>(multiple));
  }
  return result;
}

}  // namespace bf::gguf
