#include "inference/half.h"
#include "inference/kernels/kernels.h"
#include "inference/math.h"

namespace inference {

namespace {

// Low enough that exp() of the difference is next to nothing, high enough to subtract from.
constexpr float kNothing = -1e30f;

// scores = query . key * scale, a tile of 16 positions at a time, for kQueries rows.
template <int kQueries>
[[gnu::always_inline]] inline void score(float* scores, const float* query, const u16* keys,
                                         u64 padded, u64 stride, u64 head_dim, float scale) {
  for (u64 p = 0; p < padded; p += kLanes) {
    F32x16 sum[kQueries] = {};
#pragma clang loop unroll(disable)
    for (u64 i = 0; i < head_dim; ++i, keys += kLanes) {
      const F32x16 key = halves_to_floats(keys);
#pragma clang loop unroll(full)
      for (int q = 0; q < kQueries; ++q)
        sum[q] += key * splat(query[static_cast<u64>(q) * stride + i]);
    }
#pragma clang loop unroll(full)
    for (int q = 0; q < kQueries; ++q)
      store(scores + static_cast<u64>(q) * padded + p, sum[q] * splat(scale));
  }
}

// The first `count` lanes.
[[gnu::always_inline]] inline void store_lanes(float* out, F32x16 x, u64 count) {
  float lanes[kLanes];
  store(lanes, x);
#pragma clang loop unroll(disable)
  for (u64 i = 0; i < count; ++i) out[i] = lanes[i];
}

// out = sum of weights[p] * value_p for kQueries rows, 16 columns at a time.
template <int kQueries>
[[gnu::always_inline]] inline void mix(float* out, const float* weights, const u16* values,
                                       u64 positions, u64 padded, u64 stride, u64 head_dim) {
  for (u64 column = 0; column < head_dim; column += kLanes) {
    F32x16 sum[kQueries] = {};
    const u16* value = values + column;
#pragma clang loop unroll(disable)
    for (u64 p = 0; p < positions; ++p, value += head_dim) {
      const F32x16 lanes = halves_to_floats(value);
#pragma clang loop unroll(full)
      for (int q = 0; q < kQueries; ++q)
        sum[q] += splat(weights[static_cast<u64>(q) * padded + p]) * lanes;
    }
    const u64 count = min(head_dim - column, kLanes);
#pragma clang loop unroll(full)
    for (int q = 0; q < kQueries; ++q) {
      float* to = out + static_cast<u64>(q) * stride + column;
      if (count == kLanes)
        store(to, sum[q]);
      else
        store_lanes(to, sum[q], count);
    }
  }
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

void attention(float* out, const float* query, const u16* keys, const u16* values, float* scores,
               u64 positions, u64 queries, u64 stride, u64 head_dim, float scale) {
  // Each half is made a float once for as many queries.
  constexpr u64 kTogether = 4;
  const u64 padded = round_up(positions, kLanes);
  u64 q = 0;
  for (; q + kTogether <= queries; q += kTogether)
    score<kTogether>(scores + q * padded, query + q * stride, keys, padded, stride, head_dim,
                     scale);
  for (; q < queries; ++q)
    score<1>(scores + q * padded, query + q * stride, keys, padded, stride, head_dim, scale);
  for (q = 0; q < queries; ++q) softmax(scores + q * padded, positions);
  for (q = 0; q + kTogether <= queries; q += kTogether)
    mix<kTogether>(out + q * stride, scores + q * padded, values, positions, padded, stride,
                   head_dim);
  for (; q < queries; ++q)
    mix<1>(out + q * stride, scores + q * padded, values, positions, padded, stride, head_dim);
}

void store_key(u16* keys, const float* key, u64 position, u64 head_dim) {
  u16* at = keys + position / kLanes * kLanes * head_dim + position % kLanes;
  for (u64 i = 0; i < head_dim; ++i) at[i * kLanes] = float_to_half(key[i]);
}

void store_value(u16* values, const float* value, u64 position, u64 head_dim) {
  for (u64 i = 0; i < head_dim; ++i) values[position * head_dim + i] = float_to_half(value[i]);
}

}  // namespace inference
