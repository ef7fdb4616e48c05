#include "inference/kernels/kernels.h"
#include "inference/vector.h"

namespace inference {

namespace {

// What the largest value of a block becomes, to be tried: a few percent of a step more or less move
// every other value to another place between two integers. The best of four scales has an error
// about a sixth smaller than the first.
constexpr float kLargestQuants[] = {127.0f, 126.0f, 125.0f, 124.0f};

// Adding 1.5 * 2^23 to a small number rounds it, ties to even, and leaves it in the low bits.
constexpr float kRound = 12582912.0f;

[[gnu::always_inline]] inline F32x16 squared_error(F32x16 x, float scale, float inverse) {
  const F32x16 rounded = (x * splat(inverse) + splat(kRound)) - splat(kRound);
  const F32x16 error = rounded * splat(scale) - x;
  return error * error;
}

[[gnu::always_inline]] inline I32x16 round_scaled(F32x16 x, float inverse) {
  const I32x16 bits = as_ints(x * splat(inverse) + splat(kRound));
  return (bits << 24) >> 24;
}

[[gnu::always_inline]] inline void store_bytes(u8* to, I32x16 values) {
  store(to, __builtin_convertvector(values, I8x16));
}

// The one of kLargestQuants that gives the least squared error.
[[gnu::always_inline]] inline float best_quant(F32x16 first, F32x16 second, float largest) {
  F32x16 errors[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; ++i) {
    const float quant = kLargestQuants[i];
    const float scale = largest * (1.0f / quant), inverse = quant / largest;
    errors[i] = squared_error(first, scale, inverse) + squared_error(second, scale, inverse);
  }
  const F32x4 total = sums(errors[0], errors[1], errors[2], errors[3]);
  float best = kLargestQuants[0], least = total[0];
#pragma clang loop unroll(full)
  for (int i = 1; i < 4; ++i) {
    best = total[i] < least ? kLargestQuants[i] : best;
    least = total[i] < least ? total[i] : least;
  }
  return best;
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
    const float quant = best_quant(first, second, largest);
    const float inverse = largest == 0.0f ? 0.0f : quant / largest;
    const float scale = largest / quant;
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
