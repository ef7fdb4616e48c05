// Attention over a cache of half-precision floats (src/inference/kernels/kernels.h), for the lanes of
// an instruction set. Each half is made a float once for as many queries as registers have room for.
#pragma once

#include "elementwise.h"

namespace bench {

template <class L>
struct Attention {
  using V = typename L::V;

  template <int kQueries>
  static void score(float* scores, const float* query, const u16* keys, u64 padded, u64 stride,
                    u64 head_dim, float scale) {
    for (u64 p = 0; p < padded; p += L::kLanes) {
      V sum[kQueries] = {};
      const u16* key = keys + p / 16 * 16 * head_dim + p % 16;
      for (u64 i = 0; i < head_dim; ++i, key += 16) {
        const V lanes = L::load_halves(key);
#pragma clang loop unroll(full)
        for (int q = 0; q < kQueries; ++q)
          sum[q] = L::multiply_add(lanes, L::splat(query[static_cast<u64>(q) * stride + i]), sum[q]);
      }
#pragma clang loop unroll(full)
      for (int q = 0; q < kQueries; ++q)
        L::store(scores + static_cast<u64>(q) * padded + p, sum[q] * L::splat(scale));
    }
  }

  template <int kQueries>
  static void mix(float* out, const float* weights, const u16* values, u64 positions, u64 padded,
                  u64 stride, u64 head_dim) {
    for (u64 column = 0; column < head_dim; column += L::kLanes) {
      V sum[kQueries] = {};
      const u16* value = values + column;
      for (u64 p = 0; p < positions; ++p, value += head_dim) {
        const V lanes = L::load_halves(value);
#pragma clang loop unroll(full)
        for (int q = 0; q < kQueries; ++q)
          sum[q] = L::multiply_add(lanes, L::splat(weights[static_cast<u64>(q) * padded + p]), sum[q]);
      }
#pragma clang loop unroll(full)
      for (int q = 0; q < kQueries; ++q) L::store(out + static_cast<u64>(q) * stride + column, sum[q]);
    }
  }

  template <int kQueries>
  static void some(float* out, const float* query, const u16* keys, const u16* values, float* scores,
                   u64 positions, u64 stride, u64 head_dim, float scale) {
    const u64 padded = (positions + 15) / 16 * 16;
    score<kQueries>(scores, query, keys, padded, stride, head_dim, scale);
    for (u64 q = 0; q < kQueries; ++q) Elementwise<L>::softmax(scores + q * padded, positions);
    mix<kQueries>(out, scores, values, positions, padded, stride, head_dim);
  }

  // `head_dim` is a multiple of 16.
  static void attend(float* out, const float* query, const u16* keys, const u16* values, float* scores,
                     u64 positions, u64 queries, u64 stride, u64 head_dim, float scale) {
    constexpr u64 kMost = L::kTogether;
    u64 q = 0;
    for (; q + kMost <= queries; q += kMost)
      some<kMost>(out + q * stride, query + q * stride, keys, values, scores, positions, stride,
                  head_dim, scale);
    for (; q < queries; ++q)
      some<1>(out + q * stride, query + q * stride, keys, values, scores, positions, stride, head_dim,
              scale);
  }
};

}  // namespace bench
