// BF16: the upper half of a single-precision float per weight.
#include "inference/kernels/groups.h"
#include "inference/kernels/kernels.h"

namespace inference {

namespace {

// Packed as pairs of columns: the first of a pair is the lower half of a lane.
struct Pairs {
  static constexpr u64 kBytes = 4;

  static u64 group_bytes(u64 columns) { return columns / 2 * kBytes * kLanes; }
  static u64 activation_bytes(u64 columns) { return round_up(columns, kLanes) * sizeof(float); }

  [[gnu::always_inline]] static F32x16 multiply(const u8* weights, const u8* x, u64 columns) {
    F32x16 sum = {};
    for (u64 i = 0; i < columns; i += 2) {
      const auto pairs = load<U32x16>(weights);
      const float x0 = load_unaligned<float>(x), x1 = load_unaligned<float>(x + sizeof(float));
      sum += __builtin_bit_cast(F32x16, pairs << 16) * splat(x0);
      sum += __builtin_bit_cast(F32x16, pairs & 0xffff0000u) * splat(x1);
      weights += kBytes * kLanes;
      x += 2 * sizeof(float);
    }
    return sum;
  }
};

}  // namespace

void matmul_bf16(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
                 u64 tokens, u64 out_stride) {
  multiply_groups<Pairs>(out, weights, activations, columns, rows, tokens, out_stride);
}

void dequantize_bf16(float* out, const u8* weights, u64 columns) {
  for (u64 i = 0; i < columns; ++i) {
    const u32 bits = load_unaligned<u16>(weights + i * sizeof(u16));
    out[i] = __builtin_bit_cast(float, bits << 16);
  }
}

}  // namespace inference
