// What IQ4_NL and IQ4_XS share: four bits that number the values of a table, which lie closer
// together around zero (ggml's kvalues_iq4nl).
#pragma once

#include "inference/kernels/quantized.h"

namespace inference {

inline constexpr i8 kFourBitValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                          1,    13,   25,  38,  53,  69,  89,  113};

// Added to the values, which makes them unsigned.
inline constexpr i32 kFourBitOffset = 128;

// There is no table lookup among generic vectors: a tree of choices, from the lowest bit of the
// index at the leaves to the highest one at the root. set[b] tells where bit b is set.
template <int kBits, int kFirst>
[[gnu::always_inline]] inline U8x64 choose(const U8x64 (&set)[4]) {
  if constexpr (kBits == 0) {
    return U8x64{} + static_cast<u8>(kFourBitValues[kFirst] + kFourBitOffset);
  } else {
    constexpr int kStep = 1 << (kBits - 1);
    const U8x64 zero = choose<kBits - 1, kFirst>(set);
    const U8x64 one = choose<kBits - 1, kFirst + kStep>(set);
    return zero ^ (set[kBits - 1] & (zero ^ one));
  }
}

template <int kBit>
[[gnu::always_inline]] inline U8x64 is_set(U8x64 bytes) {
  return __builtin_bit_cast(U8x64, (bytes & u8{1 << kBit}) == u8{1 << kBit});
}

// The values of 64 numbers from 0 to 15, with the offset added.
[[gnu::always_inline]] inline U8x64 four_bit_values(U8x64 indices) {
  const U8x64 set[4] = {is_set<0>(indices), is_set<1>(indices), is_set<2>(indices),
                        is_set<3>(indices)};
  return choose<4, 0>(set);
}

// The dot product of block `block` of the activations with 32 columns in 16 bytes.
[[gnu::always_inline]] inline I32x16 dot_four_bit_values(const u8* quants, const Q8Row& x,
                                                         u64 block) {
  const u8* values = x.values + block * kQ8BlockElements;
  I32x16 dot = x.less_offset(block, kFourBitOffset);
#pragma clang loop unroll(disable)
  for (u64 k = 0; k < 4; ++k, quants += sizeof(U8x64), values += 4) {
    const auto bytes = load<U8x64>(quants);
    dot = dot4(dot, four_bit_values(bytes & u8{15}), values);
    dot = dot4(dot, four_bit_values(bytes >> u8{4}), values + kHalfBlock);
  }
  return dot;
}

// Weight `index` (0 to 31) of 16 bytes in the file.
inline i32 four_bit_value_at(const u8* quants, u64 index) {
  const u8 byte = quants[index % kHalfBlock];
  return kFourBitValues[index < kHalfBlock ? byte & 15 : byte >> 4];
}

}  // namespace inference
