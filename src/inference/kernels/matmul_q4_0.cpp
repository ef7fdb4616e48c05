// Q4_0: a half-precision scale and 16 bytes; byte i holds weight i in its low and weight i + 16
// in its high four bits, each stored with 8 added.
#include "inference/kernels/quantized.h"

namespace inference {

namespace {

struct Block {
  static constexpr u64 kBytes = 18;
  static constexpr i16 kOffset = 8;

  [[gnu::always_inline]] static I32x16 dot(const u8* quants, I16x32 x) {
    const auto bytes = load<U8x16>(quants);
    const auto low = __builtin_convertvector(bytes & u8{15}, I16x16);
    const auto high = __builtin_convertvector(bytes >> u8{4}, I16x16);
    const I16x16 x_low =
        __builtin_shufflevector(x, x, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const I16x16 x_high = __builtin_shufflevector(x, x, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                                                  27, 28, 29, 30, 31);
    // |sum| <= 2 * 15 * 127 + 8 * 254 fits i16. What is subtracted does not depend on the row:
    // four rows share it.
    const I16x16 products = low * x_low + high * x_high - (x_low + x_high) * kOffset;
    return __builtin_convertvector(products, I32x16);
  }
};

}  // namespace

void matmul_q4_0(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_rows<QuantizedRows<Block>>(out, weights, static_cast<const u8*>(activations), columns,
                                      rows, tokens, out_stride);
}

void dequantize_q4_0(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; i += kQ8BlockElements) {
    const float scale = half_to_float(load_unaligned<u16>(weights));
    for (u64 k = 0; k < kQ8BlockElements / 2; ++k) {
      const u8 byte = weights[2 + k];
      out[i + k] = scale * static_cast<float>((byte & 15) - Block::kOffset);
      out[i + 16 + k] = scale * static_cast<float>((byte >> 4) - Block::kOffset);
    }
    weights += Block::kBytes;
  }
}

}  // namespace inference
