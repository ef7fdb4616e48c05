// Q8_0: a half-precision scale and 32 signed bytes.
#include "inference/kernels/quantized.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kColumns = 32;
  static constexpr u64 kBytes = 34;

  [[gnu::always_inline]] static void multiply(F32x16& sum, const u8* block, const Q8Row& x) {
    const I32x16 dot =
        dot32(x.less_offset(0, 128), x.values, [&](u64 k) __attribute__((always_inline)) {
          return unit(block + 2 * kLanes, k) ^ u8 { 128 };
        });
    sum += to_floats(dot) * (halves_to_floats(block) * x.scale(0));
  }
};

}  // namespace

void matmul_q8_0(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Block>>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_q8_0(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += Block::kColumns) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    for (u64 k = 0; k < Block::kColumns; ++k)
      out[i + k] = scale * static_cast<float>(static_cast<i8>(weights[2 + k]));
    weights += Block::kBytes;
  }
}

}  // namespace inference
