// Q6_K: 128 bytes with the lower four bits, 64 bytes with the upper two, 16 signed scales, one for
// each half-block, and a half-precision scale of those. 32 is added to each weight.
//
// Of the lower bits, 64 bytes hold four blocks: the first 32 blocks 0 (low nibbles) and 2 (high),
// the others 1 and 3. Of the upper bits, 32 bytes hold the four blocks' one after the other.
// Packed, all are in the order they are read in (formats.def).
#include "inference/kernels/superblock.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = kSuperBlock;
  static constexpr u64 kBytes = 210;
  // Where they are in a row's block, and in a packed one, which has 16 rows.
  static constexpr u64 kUpper = 128, kScales = 192, kScale = 208;
  static constexpr u64 kPackedScale = 0, kPackedScales = 2 * kLanes, kPackedQuants = 18 * kLanes;
  static constexpr u64 kPackedTriple = 12 * kLanes;  // upper bits, and lower ones twice
  static constexpr i32 kOffset = 32;

  template <int kOfFour>
  [[gnu::always_inline]] static U8x64 quants(U8x64 lower, U8x64 upper) {
    if constexpr (kOfFour < 2)
      return (lower & u8{15}) | ((upper << u8{4 - 2 * kOfFour}) & u8{48});
    else
      return (lower >> u8{4}) | ((upper >> u8{2 * kOfFour - 4}) & u8{48});
  }

  template <int kOfFour>
  [[gnu::always_inline]] static void add(F32x16& sum, const u8* block, const Q8Row& x, u64 chunk) {
    const u64 index = 4 * chunk + kOfFour;
    const u8* triples = block + kPackedQuants + 8 * chunk * kPackedTriple;
    const u8* scales = block + kPackedScales;
    const F32x16 all = halves_to_floats(block + kPackedScale);
    const F32x16 scale0 = to_floats(load<I8x16>(scales + 2 * index * kLanes)) * all;
    const F32x16 scale1 = to_floats(load<I8x16>(scales + (2 * index + 1) * kLanes)) * all;
    add_halves(sum, x, index, scale0, scale1, kOffset, [&](u64 k) __attribute__((always_inline)) {
      const u8* triple = triples + k * kPackedTriple;
      return quants<kOfFour>(unit(triple, 1 + kOfFour % 2), unit(triple, 0));
    });
  }

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
#pragma clang loop unroll(disable)
    for (u64 chunk = 0; chunk < 2; ++chunk) {
      add<0>(sum, block, x, chunk);
      add<1>(sum, block, x, chunk);
      add<2>(sum, block, x, chunk);
      add<3>(sum, block, x, chunk);
    }
  }
};

}  // namespace

void matmul_q6_k(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q6_k(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kSuperBlock) {
    const float scale = half_to_float(load_unaligned<u16>(weights + Block::kScale));
    for (u64 k = 0; k < kSuperBlock; ++k) {
      const u64 chunk = k / 128, of_four = k / 32 % 4;
      const u8 lower = weights[64 * chunk + of_four % 2 * 32 + k % 32];
      const u8 upper = weights[Block::kUpper + 32 * chunk + k % 32];
      const i32 quant = (of_four < 2 ? lower & 15 : lower >> 4) | (upper >> (2 * of_four) & 3) << 4;
      const i32 factor = static_cast<i8>(weights[Block::kScales + k / kHalfBlock]);
      out[i + k] = scale * static_cast<float>(factor * (quant - Block::kOffset));
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
