// F16: a half-precision float per weight, multiplied in single precision.
#include "inference/half.h"
#include "inference/kernels/kernels.h"
#include "inference/kernels/unquantized.h"

namespace inference {

namespace {

struct Element {
  static constexpr u64 kBytes = sizeof(u16);
  [[gnu::always_inline]] static F32x16 load(const u8* from) { return halves_to_floats(from); }
};

}  // namespace

void matmul_f16(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                u64 tokens, u64 out_stride) {
  multiply_groups<Unquantized<Element>>(out, weights, activations, columns, rows, tokens,
                                        out_stride);
}

void dequantize_f16(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; ++i)
    out[i] = half_to_float(load_unaligned<u16>(weights + i * Element::kBytes));
}

}  // namespace inference
