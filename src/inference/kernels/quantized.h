// Rows of 32-element blocks that start with a half-precision scale, against Q8 activations.
//
// A format gives `Block`: kBytes of a block and `dot(quants, x)`, the integer products of 32
// weights with 32 activations, summed to 16 lanes.
#pragma once

#include "inference/half.h"
#include "inference/kernels/kernels.h"
#include "inference/kernels/rows.h"

namespace inference {

// The scales of four blocks. Loading 32 bits reads two bytes of quants along, which the shift
// pushes out: one load and one insertion a block instead of conversions one by one.
[[gnu::always_inline]] inline F32x4 block_scales(const u8* a, const u8* b, const u8* c,
                                                 const u8* d) {
  const U32x4 raw = {load_unaligned<u32>(a), load_unaligned<u32>(b), load_unaligned<u32>(c),
                     load_unaligned<u32>(d)};
  const I32x4 moved = __builtin_bit_cast(I32x4, raw << 16) >> 3;
  const U32x4 bits = __builtin_bit_cast(U32x4, moved) & kHalfMask;
  return __builtin_bit_cast(F32x4, bits) * kHalfBias;
}

template <int kLane>
[[gnu::always_inline]] inline F32x16 splat_lane(F32x4 x) {
  constexpr int k = kLane;
  return __builtin_shufflevector(x, x, k, k, k, k, k, k, k, k, k, k, k, k, k, k, k, k);
}

// Sums of neighbouring lanes: |a * b| of 8-bit numbers fits 15 bits, so the products are still
// exact as i16, and their sum is taken as i32.
[[gnu::always_inline]] inline I32x16 add_pairs(I16x32 products) {
  const I32x16 both = __builtin_bit_cast(I32x16, products);
  return ((both << 16) >> 16) + (both >> 16);
}

template <class Block>
struct QuantizedRows {
  static constexpr u64 kScaleBytes = 2;

  static u64 row_bytes(u64 columns) { return columns / kQ8BlockElements * Block::kBytes; }
  static u64 activation_bytes(u64 columns) { return q8_row_bytes(columns); }

  [[gnu::always_inline]] static F32x4 four_rows(const u8* weights, u64 stride, const u8* x,
                                                u64 columns) {
    const u8* row0 = weights;
    const u8* row1 = row0 + stride;
    const u8* row2 = row1 + stride;
    const u8* row3 = row2 + stride;
    const u8* scale = x + columns * sizeof(i16);
    const u8* const end = scale;
    F32x16 sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {};
    while (x != end) {
      const auto block = load<I16x32>(x);
      const F32x4 scales = block_scales(row0, row1, row2, row3) * load_unaligned<float>(scale);
      sum0 += to_floats(Block::dot(row0 + kScaleBytes, block)) * splat_lane<0>(scales);
      sum1 += to_floats(Block::dot(row1 + kScaleBytes, block)) * splat_lane<1>(scales);
      sum2 += to_floats(Block::dot(row2 + kScaleBytes, block)) * splat_lane<2>(scales);
      sum3 += to_floats(Block::dot(row3 + kScaleBytes, block)) * splat_lane<3>(scales);
      row0 += Block::kBytes;
      row1 += Block::kBytes;
      row2 += Block::kBytes;
      row3 += Block::kBytes;
      x += sizeof(I16x32);
      scale += sizeof(float);
    }
    return sums(sum0, sum1, sum2, sum3);
  }
};

}  // namespace inference
