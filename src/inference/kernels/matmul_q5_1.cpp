// Q5_1: a half-precision scale, a half-precision minimum, the fifth bits of 32 weights, and 16
// bytes; byte i holds the other bits of weight i in its low and those of weight i + 16 in its high
// half.
#include "inference/kernels/fifth_bit.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = 32;
  static constexpr u64 kBytes = 24;

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const u8* minimum = block + 2 * kLanes;
    const I32x16 dot = dot_five_bits({}, minimum + 2 * kLanes, x);
    sum += to_floats(dot) * (halves_to_floats(block) * x.scale(0));
    sum += halves_to_floats(minimum) * x.sum(0);
  }
};

}  // namespace

void matmul_q5_1(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q5_1(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += Block::kColumns) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    const float minimum = half_to_float(load_unaligned<u16>(weights + 2));
    const u32 high = load_unaligned<u32>(weights + 4);
    for (u64 k = 0; k < Block::kColumns; ++k)
      out[i + k] = scale * static_cast<float>(five_bits(high, weights + 8, k)) + minimum;
    weights += Block::kBytes;
  }
}

}  // namespace inference
