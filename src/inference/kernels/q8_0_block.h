// A block of Q8_0: a half-precision scale and 32 signed bytes.
#pragma once

#include "inference/kernels/quantized.h"

namespace inference {

struct Q8_0Block {
  static constexpr u64 kColumns = 32;
  static constexpr u64 kBytes = 34;

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const I32x16 dot =
        dot32(x.less_offset(0, 128), x.values, [&](u64 k) __attribute__((always_inline)) {
          return unit(block + 2 * kLanes, k) ^ u8 { 128 };
        });
    sum += to_floats(dot) * (halves_to_floats(block) * x.scale(0));
  }
};

}  // namespace inference
