#include "inference/kernels/kernels.h"
#include "inference/math.h"

namespace inference {

namespace {

// Low enough that exp() of the difference is next to nothing, high enough to subtract from.
constexpr float kNothing = -1e30f;

// scores = q . key_p * scale, four positions at a time. Rounds up to whole fours.
[[gnu::always_inline]] inline void score(float* scores, const float* q, const float* keys,
                                         u64 positions, u64 stride, float scale) {
  for (u64 p = 0; p < positions; p += 4) {
    const float* key0 = keys + p * stride;
    const float* key1 = key0 + stride;
    const float* key2 = key1 + stride;
    const float* key3 = key2 + stride;
    F32x16 sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {};
    for (u64 i = 0; i < stride; i += kLanes) {
      const auto values = load<F32x16>(q + i);
      sum0 += values * load<F32x16>(key0 + i);
      sum1 += values * load<F32x16>(key1 + i);
      sum2 += values * load<F32x16>(key2 + i);
      sum3 += values * load<F32x16>(key3 + i);
    }
    store(scores + p, sums(sum0, sum1, sum2, sum3) * scale);
  }
}

// out = sum of weights[p] * value_p over kVectors * 16 columns, which stay in registers.
template <int kVectors>
[[gnu::always_inline]] inline void mix(float* out, const float* weights, const float* values,
                                       u64 positions, u64 stride) {
  F32x16 sum[kVectors] = {};
  for (u64 p = 0; p < positions; ++p) {
    const F32x16 weight = splat(weights[p]);
#pragma clang loop unroll(full)
    for (int k = 0; k < kVectors; ++k) sum[k] += weight * load<F32x16>(values + k * kLanes);
    values += stride;
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < kVectors; ++k) store(out + k * kLanes, sum[k]);
}

}  // namespace

void softmax(float* x, u64 count) {
  const u64 padded = round_up(count, kLanes);
  for (u64 i = count; i < padded; ++i) x[i] = kNothing;
  F32x16 greatest_lanes = splat(kNothing);
  for (u64 i = 0; i < padded; i += kLanes)
    greatest_lanes = greater_of(greatest_lanes, load<F32x16>(x + i));
  const F32x16 shift = splat(greatest(greatest_lanes));
  F32x16 total = {};
  for (u64 i = 0; i < padded; i += kLanes) {
    const F32x16 e = exp_lanes(load<F32x16>(x + i) - shift);
    total += e;
    store(x + i, e);
  }
  const F32x16 inverse = splat(1.0f / sum(total));
  for (u64 i = 0; i < padded; i += kLanes) store(x + i, load<F32x16>(x + i) * inverse);
  for (u64 i = count; i < padded; ++i) x[i] = 0.0f;
}

void attention(float* out, const float* q, const float* keys, const float* values, float* scores,
               u64 positions, u64 stride, float scale) {
  score(scores, q, keys, positions, stride, scale);
  softmax(scores, positions);
  u64 column = 0;
  for (; column + 2 * kLanes <= stride; column += 2 * kLanes)
    mix<2>(out + column, scores, values + column, positions, stride);
  if (column < stride) mix<1>(out + column, scores, values + column, positions, stride);
}

}  // namespace inference
