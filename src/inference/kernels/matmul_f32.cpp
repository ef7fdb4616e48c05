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
  multiply_groups<Unquantized<Element>>(out, weights, activations, columns, rows, tokens,
                                        out_stride);
}

void dequantize_f32(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; ++i) out[i] = load_unaligned<float>(weights + i * Element::kBytes);
}

}  // namespace inference
