// What Q5_0 and Q5_1 share: 32 quants of five bits, the fifth ones together in 32 bits of their
// own.
#pragma once

#include "inference/kernels/quantized.h"

namespace inference {

// Bits 4 * kFour to 4 * kFour + 3 of each lane, each as the fifth bit of a byte.
template <int kFour>
[[gnu::always_inline]] inline U16x32 fifth_bits(U32x16 bits) {
  const U32x16 four = (kFour == 0 ? bits << 4 : bits >> (kFour == 0 ? 0 : 4 * kFour - 4)) & 0xf0u;
  const U32x16 twice = four | four << 14;  // the upper two bits, two bytes on
  return __builtin_bit_cast(U16x32, (twice | twice << 7) & 0x10101010u);
}

// The dot product of a block's quants, 0 to 31, with its activations. `high` is the fifth bits of
// 16 rows, `quants` what follows.
[[gnu::always_inline]] inline I32x16 dot_five_bits(const u8* high, const u8* quants,
                                                   const Q8Row& x) {
  const auto bits = load<U32x16>(high);
  const U16x32 fifth[] = {fifth_bits<0>(bits), fifth_bits<1>(bits), fifth_bits<2>(bits),
                          fifth_bits<3>(bits), fifth_bits<4>(bits), fifth_bits<5>(bits),
                          fifth_bits<6>(bits), fifth_bits<7>(bits)};
  return dot_unsigned<31>(x.values,
                          [&](u64 k) __attribute__((always_inline)) {
                            return low_nibbles(unit(quants, k)) | fifth[k];
                          }) +
         dot_unsigned<31>(x.values + kHalfBlock, [&](u64 k) __attribute__((always_inline)) {
           return high_nibbles(unit(quants, k)) | fifth[4 + k];
         });
}

// Quant `index` (0 to 31) of a block in the file.
inline i32 five_bits(u32 high, const u8* quants, u64 index) {
  const u8 byte = quants[index % kHalfBlock];
  const i32 low = index < kHalfBlock ? byte & 15 : byte >> 4;
  return low | static_cast<i32>((high >> index & 1) << 4);
}

}  // namespace inference
