// Q4_K: half-precision scales of the scales and of the minima, 12 bytes with a scale and a minimum
// of six bits for each of eight blocks, and 128 bytes with four bits per weight.
#include "inference/kernels/superblock.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = kSuperBlock;
  static constexpr u64 kBytes = 144;
  static constexpr u64 kScales = 4, kQuants = 16;  // where they are in a block

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    multiply_nibbles(sum, block, block + kScales * kLanes, block + kQuants * kLanes, x,
                     [](u64, u64) __attribute__((always_inline)) { return U8x64{}; });
  }
};

}  // namespace

void matmul_q4_k(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q4_k(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kSuperBlock) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    const float minimum = half_to_float(load_unaligned<u16>(weights + 2));
    const u8* scales = weights + Block::kScales;
    for (u64 k = 0; k < kSuperBlock; ++k) {
      const u64 block = k / 32;
      const u8 byte = weights[Block::kQuants + block / 2 * 32 + k % 32];
      const i32 quant = block % 2 == 0 ? byte & 15 : byte >> 4;
      out[i + k] = scale * static_cast<float>(scale_at(scales, block) * quant) -
                   minimum * static_cast<float>(minimum_at(scales, block));
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
