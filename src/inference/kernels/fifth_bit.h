// What Q5_0 and Q5_1 share: 32 quants of five bits, the fifth ones together in 32 bits of their
// own.
#pragma once

#include "inference/kernels/quantized.h"

namespace inference {

// Bits 4 k to 4 k + 3 of each lane, each as the fifth bit of a byte.
[[gnu::always_inline]] inline U8x64 fifth_bits(U32x16 bits, u64 k) {
  const U32x16 four = (k == 0 ? bits << 4 : bits >> static_cast<u32>(4 * k - 4)) & 0xf0u;
  const U32x16 twice = four | four << 14;  // the upper two bits, two bytes on
  return __builtin_bit_cast(U8x64, (twice | twice << 7) & 0x10101010u);
}

// start + the dot product of a block's quants, 0 to 31, with its activations. `high` is the fifth
// bits of 16 rows, followed by the others.
[[gnu::always_inline]] inline I32x16 dot_five_bits(I32x16 start, const u8* high, const Q8Row& x) {
  const auto bits = load<U32x16>(high);
  return dot32(start, x.values, [&](u64 k) __attribute__((always_inline)) {
    return nibbles(high + 4 * kLanes, k) | fifth_bits(bits, k);
  });
}

// Quant `index` (0 to 31) of a block in the file.
inline i32 five_bits(u32 high, const u8* quants, u64 index) {
  const u8 byte = quants[index % kHalfBlock];
  const i32 low = index < kHalfBlock ? byte & 15 : byte >> 4;
  return low | static_cast<i32>((high >> index & 1) << 4);
}

}  // namespace inference
