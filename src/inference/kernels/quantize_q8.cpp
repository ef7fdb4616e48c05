#include "inference/kernels/kernels.h"
#include "inference/vector.h"

namespace inference {

namespace {

constexpr float kLargestQuant = 127.0f;

// x / scale rounded to nearest, ties to even: adding 1.5 * 2^23 leaves the integer in the low bits.
[[gnu::always_inline]] inline I32x16 round_scaled(F32x16 x, float inverse) {
  constexpr float kRound = 12582912.0f;
  const I32x16 bits = as_ints(x * splat(inverse) + splat(kRound));
  return (bits << 24) >> 24;
}

[[gnu::always_inline]] inline void store_bytes(u8* to, I32x16 values) {
  store(to, __builtin_convertvector(values, I8x16));
}

}  // namespace

void quantize_q8(void* out, const float* x, u64 columns) {
  u8* values = static_cast<u8*>(out);
  u8* scales = values + columns;
  u8* sums = scales + columns / kQ8BlockElements * sizeof(float);
  u8* halves = sums + columns / kQ8BlockElements * sizeof(float);
  for (u64 i = 0; i < columns; i += kQ8BlockElements) {
    const auto first = load<F32x16>(x + i);
    const auto second = load<F32x16>(x + i + kLanes);
    const float largest = greatest(greater_of(absolute(first), absolute(second)));
    const float inverse = largest == 0.0f ? 0.0f : kLargestQuant / largest;
    const float scale = largest / kLargestQuant;
    const I32x16 first_values = round_scaled(first, inverse);
    const I32x16 second_values = round_scaled(second, inverse);
    store_bytes(values + i, first_values);
    store_bytes(values + i + kLanes, second_values);
    const i32 first_sum = sum(first_values), second_sum = sum(second_values);
    store(scales, scale);
    store(sums, scale * static_cast<float>(first_sum + second_sum));
    store(halves, static_cast<i16>(first_sum));
    store(halves + sizeof(i16), static_cast<i16>(second_sum));
    scales += sizeof(float);
    sums += sizeof(float);
    halves += 2 * sizeof(i16);
  }
}

}  // namespace inference
