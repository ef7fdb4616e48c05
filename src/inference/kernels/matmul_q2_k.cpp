// Q2_K: 16 bytes with scale (low four bits) and minimum (high) of each half-block, 64 bytes with
// two bits per weight, and half-precision scales of the scales and of the minima.
#include "inference/kernels/superblock.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = kSuperBlock;
  static constexpr u64 kBytes = 84;
  static constexpr u64 kQuants = 16, kScale = 80;  // where they are in a block

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
#pragma clang loop unroll(disable)
    for (u64 index = 0; index < kBlocks; ++index) {
      const auto scale0 = load<U8x16>(block + 2 * index * kLanes);
      const auto scale1 = load<U8x16>(block + (2 * index + 1) * kLanes);
      // Quants stay where they are in their bytes, which makes them too large by 2^shift: exactly
      // undone by the scale.
      const u64 shift = index % 4 * 2;
      const u8* quants = block + kQuants * kLanes + index / 4 * 8 * sizeof(U8x64);
      const U8x64 mask = U8x64{} + static_cast<u8>(3u << shift);
      const F32x16 all =
          halves_to_floats(block + kScale * kLanes) * splat(1.0f / static_cast<float>(1 << shift));
      add_halves(sum, x, index, to_floats(scale0 & u8{15}) * all, to_floats(scale1 & u8{15}) * all,
                 0, [&](u64 k) __attribute__((always_inline)) { return unit(quants, k) & mask; });
      // Whole numbers below 2^24: exact.
      const F32x16 sum0 = splat(static_cast<float>(x.half_sum(2 * index)));
      const F32x16 sum1 = splat(static_cast<float>(x.half_sum(2 * index + 1)));
      const F32x16 minima = to_floats(scale0 >> u8{4}) * sum0 + to_floats(scale1 >> u8{4}) * sum1;
      sum -= minima * (halves_to_floats(block + (kScale + 2) * kLanes) * x.scale(index));
    }
  }
};

}  // namespace

void matmul_q2_k(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q2_k(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kSuperBlock) {
    const float scale = half_to_float(load_unaligned<u16>(weights + Block::kScale));
    const float minimum = half_to_float(load_unaligned<u16>(weights + Block::kScale + 2));
    for (u64 k = 0; k < kSuperBlock; ++k) {
      const u8 both = weights[k / kHalfBlock];
      const i32 quant = two_bits_at(weights + Block::kQuants, k);
      out[i + k] =
          scale * static_cast<float>((both & 15) * quant) - minimum * static_cast<float>(both >> 4);
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
