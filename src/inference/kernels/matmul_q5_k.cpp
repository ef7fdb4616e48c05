// Q5_K: half-precision scales of the scales and of the minima, 12 bytes with a scale and a minimum
// of six bits for each of eight blocks, 32 bytes with the fifth bits (bit b of byte i: of weight i
// of block b), and 128 bytes with the lower four bits.
#include "inference/kernels/superblock.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = kSuperBlock;
  static constexpr u64 kBytes = 176;
  static constexpr u64 kScales = 4, kFifth = 16, kQuants = 48;  // where they are in a block

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const u8* fifth = block + kFifth * kLanes;
    multiply_nibbles(sum, block, block + kScales * kLanes, block + kQuants * kLanes, x,
                     [&](u64 index, u64 k) __attribute__((always_inline)) {
                       return where_set(unit(fifth, k), static_cast<u8>(1 << index), 16);
                     });
  }
};

}  // namespace

void matmul_q5_k(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q5_k(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kSuperBlock) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    const float minimum = half_to_float(load_unaligned<u16>(weights + 2));
    const u8* scales = weights + Block::kScales;
    for (u64 k = 0; k < kSuperBlock; ++k) {
      const u64 block = k / 32;
      const u8 byte = weights[Block::kQuants + block / 2 * 32 + k % 32];
      const i32 low = block % 2 == 0 ? byte & 15 : byte >> 4;
      const i32 fifth = weights[Block::kFifth + k % 32] >> block & 1;
      out[i + k] = scale * static_cast<float>(scale_at(scales, block) * (low + 16 * fifth)) -
                   minimum * static_cast<float>(minimum_at(scales, block));
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
