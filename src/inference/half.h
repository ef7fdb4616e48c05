// Half-precision floats (IEEE binary16) to single ones by integer arithmetic: the cast would call
// a library function on processors without F16C.
#pragma once

#include "inference/vector.h"

namespace inference {

// 2^112: the difference of the exponents' biases. Shifting the bits of a half into the place of a
// float's makes a float that is 2^112 too small; the product is exact, for subnormal halves too.
inline constexpr float kHalfBias = 5.192296858534828e33f;

// What is left of a sign-extended half after moving it by 13: the sign, and the 15 other bits.
inline constexpr u32 kHalfMask = 0x8fffe000u;

// Any half, infinities and NaNs too.
inline float half_to_float(u16 bits) {
  const u32 magnitude = bits & 0x7fffu;
  const u32 sign = static_cast<u32>(bits & 0x8000u) << 16;
  if (magnitude >= 0x7c00u)
    return __builtin_bit_cast(float, sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  return __builtin_bit_cast(float, sign | magnitude << 13) * kHalfBias;
}

// The nearest half, ties to even; what is too large becomes the largest half, 65504.
inline u16 float_to_half(float x) {
  constexpr u32 kLargest = 0x477fe000u;    // 65504
  constexpr u32 kSubnormal = 0x38800000u;  // 2^-14: below it, halves are multiples of 2^-24
  const u32 bits = __builtin_bit_cast(u32, x);
  const u32 magnitude = min(bits & 0x7fffffffu, kLargest);
  const u32 sign = bits >> 16 & 0x8000u;
  // The last place of a number from 0.5 to 1 is 2^-24: the addition rounds.
  if (magnitude < kSubnormal)
    return static_cast<u16>(
        sign |
        (__builtin_bit_cast(u32, __builtin_bit_cast(float, magnitude) + 0.5f) - 0x3f000000u));
  const u32 rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<u16>(sign | ((rounded >> 13) - (112u << 10)));
}

// 16 halves. Infinities and NaNs come out as numbers from 2^16: no trained weight is one.
[[gnu::always_inline]] inline F32x16 halves_to_floats(const void* from) {
  const I32x16 wide = __builtin_convertvector(load<I16x16>(from), I32x16);
  const U32x16 bits = __builtin_bit_cast(U32x16, wide << 13) & kHalfMask;
  return __builtin_bit_cast(F32x16, bits) * splat(kHalfBias);
}

}  // namespace inference
