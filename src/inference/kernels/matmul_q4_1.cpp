// Q4_1: a half-precision scale, a half-precision minimum, and 16 bytes; byte i holds weight i in
// its low and weight i + 16 in its high four bits.
#include "inference/kernels/quantized.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = 32;
  static constexpr u64 kBytes = 20;

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const u8* minimum = block + 2 * kLanes;
    const I32x16 dot = dot32({}, x.values, [&](u64 k) __attribute__((always_inline)) {
      return nibbles(block + 4 * kLanes, k);
    });
    sum += to_floats(dot) * (halves_to_floats(block) * x.scale(0));
    sum += halves_to_floats(minimum) * x.sum(0);
  }
};

}  // namespace

void matmul_q4_1(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q4_1(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += Block::kColumns) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    const float minimum = half_to_float(load_unaligned<u16>(weights + 2));
    for (u64 k = 0; k < kHalfBlock; ++k) {
      const u8 byte = weights[4 + k];
      out[i + k] = scale * static_cast<float>(byte & 15) + minimum;
      out[i + 16 + k] = scale * static_cast<float>(byte >> 4) + minimum;
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
