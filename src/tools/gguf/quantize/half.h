// Floats to the 16-bit ones, rounded to nearest, ties to even.
#pragma once

#include "inference/half.h"
#include "runtime/base.h"

namespace bf::gguf {

using inference::half_to_float;

// IEEE binary16. What is too large becomes an infinity; NaNs stay NaNs.
inline u16 float_to_half(float value) {
  const u32 bits = __builtin_bit_cast(u32, value);
  const u32 sign = bits >> 16 & 0x8000u;
  const u32 magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<u16>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<u16>(sign | 0x7c00u);  // from 65520 on
  if (magnitude < 0x38800000u) {
    // Below 2^-14 halves are multiples of 2^-24. Adding 0.5, whose last bit is worth as much,
    // makes the float unit round.
    const float rounded = __builtin_bit_cast(float, magnitude) + 0.5f;
    return static_cast<u16>(sign | (__builtin_bit_cast(u32, rounded) - 0x3f000000u));
  }
  const u32 rounded = magnitude + 0xfffu + (magnitude >> 13 & 1);
  return static_cast<u16>(sign | ((rounded - 0x38000000u) >> 13));
}

// The upper half of a float. Finite values only.
inline u16 float_to_bfloat(float value) {
  const u32 bits = __builtin_bit_cast(u32, value);
  return static_cast<u16>((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

}  // namespace bf::gguf
