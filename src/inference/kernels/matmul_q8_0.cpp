// Q8_0: a half-precision scale and 32 signed bytes.
#include "inference/kernels/q8_0_block.h"

namespace inference {

void matmul_q8_0(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Quantized<Q8_0Block>>(out, weights, activations, columns, rows, tokens,
                                        out_stride);
}

void dequantize_q8_0(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += Q8_0Block::kColumns) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    for (u64 k = 0; k < Q8_0Block::kColumns; ++k)
      out[i + k] = scale * static_cast<float>(static_cast<i8>(weights[2 + k]));
    weights += Q8_0Block::kBytes;
  }
}

}  // namespace inference
