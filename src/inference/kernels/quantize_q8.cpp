#include "inference/kernels/kernels.h"
#include "inference/vector.h"

namespace inference {

namespace {

constexpr float kLargestQuant = 127.0f;

// x / scale rounded to nearest: adding 1.5 * 2^23 leaves the integer in the low bits.
[[gnu::always_inline]] inline I16x16 round_scaled(F32x16 x, float inverse) {
  constexpr float kRound = 12582912.0f;
  const I32x16 bits = as_ints(x * splat(inverse) + splat(kRound));
  return __builtin_convertvector(bits, I16x16);  // the low 16 bits of kRound are zero
}

}  // namespace

void quantize_q8(void* out, const float* x, u64 columns) {
  u8* values = static_cast<u8*>(out);
  u8* scales = values + columns * sizeof(i16);
  for (u64 i = 0; i < columns; i += kQ8BlockElements) {
    const auto first = load<F32x16>(x + i);
    const auto second = load<F32x16>(x + i + kLanes);
    const float largest = greatest(greater_of(absolute(first), absolute(second)));
    const float inverse = largest == 0.0f ? 0.0f : kLargestQuant / largest;
    store(values, round_scaled(first, inverse));
    store(values + sizeof(I16x16), round_scaled(second, inverse));
    store(scales, largest / kLargestQuant);
    values += sizeof(I16x32);
    scales += sizeof(float);
  }
}

}  // namespace inference
