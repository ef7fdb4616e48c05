// Q8_0: a half-precision scale and 32 signed bytes.
#include "inference/kernels/quantized.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kBytes = 34;

  [[gnu::always_inline]] static I32x16 dot(const u8* quants, I16x32 x) {
    return add_pairs(__builtin_convertvector(load<I8x32>(quants), I16x32) * x);
  }
};

}  // namespace

void matmul_q8_0(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_rows<QuantizedRows<Block>>(out, weights, static_cast<const u8*>(activations), columns,
                                      rows, tokens, out_stride);
}

void dequantize_q8_0(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kQ8BlockElements) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    for (u64 k = 0; k < kQ8BlockElements; ++k)
      out[i + k] = scale * static_cast<float>(static_cast<i8>(weights[2 + k]));
    weights += Block::kBytes;
  }
}

}  // namespace inference
