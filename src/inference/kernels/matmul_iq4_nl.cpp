// IQ4_NL: a half-precision scale and 16 bytes; byte i holds weight i in its low and weight i + 16
// in its high four bits, as numbers of a table's values.
#include "inference/kernels/four_bit_table.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = 32;
  static constexpr u64 kBytes = 18;

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const I32x16 dot = dot_four_bit_values(block + 2 * kLanes, x, 0);
    sum += to_floats(dot) * (halves_to_floats(block) * x.scale(0));
  }
};

}  // namespace

void matmul_iq4_nl(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                   u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_iq4_nl(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += Block::kColumns) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    for (u64 k = 0; k < Block::kColumns; ++k)
      out[i + k] = scale * static_cast<float>(four_bit_value_at(weights + 2, k));
    weights += Block::kBytes;
  }
}

}  // namespace inference
