// IQ4_XS: a half-precision scale, 2 bytes with the upper two bits and 4 bytes with the lower four
// bits of the scales of eight blocks (32 added to each), and 128 bytes: 16 for each block, like
// IQ4_NL's.
#include "inference/kernels/four_bit_table.h"
#include "inference/kernels/superblock.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = kSuperBlock;
  static constexpr u64 kBytes = 136;
  static constexpr u64 kUpper = 2, kLower = 4, kQuants = 8;  // where they are in a block

  // Block `index`'s scale in each row, still without the super-block's.
  [[gnu::always_inline]] static F32x16 scale(const u8* block, u64 index) {
    const auto upper = load<U16x16>(block + kUpper * kLanes) >> static_cast<u16>(2 * index);
    const auto lower =
        __builtin_convertvector(load<U8x16>(block + (kLower + index / 2) * kLanes), U16x16);
    const auto low = lower >> static_cast<u16>(index % 2 * 4);
    const I32x16 bits =
        __builtin_convertvector((low & u16{15}) | (upper & u16{3}) << u16{4}, I32x16);
    return to_floats(bits - splat(32));
  }

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const F32x16 all = halves_to_floats(block);
#pragma clang loop unroll(disable)
    for (u64 index = 0; index < kBlocks; ++index) {
      const u8* quants = block + kQuants * kLanes + 4 * index * sizeof(U8x64);
      const I32x16 dot = dot_four_bit_values(quants, x, index);
      sum += to_floats(dot) * (scale(block, index) * all * x.scale(index));
    }
  }
};

}  // namespace

void matmul_iq4_xs(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                   u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_iq4_xs(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kSuperBlock) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    const u32 upper = load_unaligned<u16>(weights + Block::kUpper);
    for (u64 k = 0; k < kSuperBlock; ++k) {
      const u64 block = k / 32;
      const i32 low = weights[Block::kLower + block / 2] >> (block % 2 * 4) & 15;
      const i32 factor = (low | static_cast<i32>(upper >> (2 * block) & 3) << 4) - 32;
      const i32 value = four_bit_value_at(weights + Block::kQuants + 16 * block, k % 32);
      out[i + k] = scale * static_cast<float>(factor) * static_cast<float>(value);
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
