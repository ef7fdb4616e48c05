// F32: a float per weight.
#include "inference/kernels/kernels.h"
#include "inference/kernels/unquantized.h"

namespace inference {

namespace {

struct Element {
  static constexpr u64 kBytes = sizeof(float);
  [[gnu::always_inline]] static F32x16 load(const u8* from) {
    return inference::load<F32x16>(from);
  }
};

}  // namespace

void matmul_f32(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                u64 tokens, u64 out_stride) {
  multiply_rows<UnquantizedRows<Element>>(out, weights, static_cast<const u8*>(activations),
                                          columns, rows, tokens, out_stride);
}

void dequantize_f32(float* out, const u8* weights, u64 columns) {
  copy_bytes(out, weights, columns * sizeof(float));
}

}  // namespace inference
