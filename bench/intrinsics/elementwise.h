// Kernels between the matrix products, for the lanes of an instruction set (lanes_*.h).
#pragma once

#include <cmath>
#include <initializer_list>

#include "inference/kernels/kernels.h"

namespace bench {

using namespace inference;

// e^x, by Cody and Waite's reduction and the polynomial of Cephes' expf.
template <class L>
inline typename L::V exponential(typename L::V x) {
  using V = typename L::V;
  x = L::greater(x, L::splat(-87.0f));
  const V n = L::round(x * L::splat(1.44269504f));
  V r = L::less_product(x, n, L::splat(0.693359375f));
  r = L::less_product(r, n, L::splat(-2.12194440e-4f));
  V p = L::splat(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f,
                        5.0000001201e-1f})
    p = L::multiply_add(p, r, L::splat(c));
  const V y = L::multiply_add(p, r * r, r) + L::splat(1.0f);
  return L::times_power_of_two(y, n);
}

template <class L>
struct Elementwise {
  using V = typename L::V;

  static void rmsnorm(float* out, const float* x, const float* weight, u64 count, float epsilon) {
    constexpr u64 kSums = 4;
    V sums[kSums] = {};
    u64 i = 0;
    for (; i + kSums * L::kLanes <= count; i += kSums * L::kLanes)
      for (u64 k = 0; k < kSums; ++k) {
        const V v = L::load(x + i + k * L::kLanes);
        sums[k] = L::multiply_add(v, v, sums[k]);
      }
    for (; i < count; i += L::kLanes) {
      const V v = L::load(x + i);
      sums[0] = L::multiply_add(v, v, sums[0]);
    }
    const float squares = L::sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
    const V scale = L::splat(1.0f / std::sqrt(squares / static_cast<float>(count) + epsilon));
    for (i = 0; i < count; i += L::kLanes)
      L::store(out + i, L::load(x + i) * scale * L::load(weight + i));
  }

  static void softmax(float* x, u64 count) {
    const u64 padded = (count + 15) / 16 * 16;
    for (u64 i = count; i < padded; ++i) x[i] = -1e30f;
    V most = L::splat(-1e30f);
    for (u64 i = 0; i < padded; i += L::kLanes) most = L::greater(most, L::load(x + i));
    const V shift = L::splat(L::greatest(most));
    V sum = {}, other = {};
    for (u64 i = 0; i < padded; i += 2 * L::kLanes) {
      const V e = exponential<L>(L::load(x + i) - shift);
      L::store(x + i, e);
      sum += e;
      if (i + L::kLanes == padded) break;
      const V f = exponential<L>(L::load(x + i + L::kLanes) - shift);
      L::store(x + i + L::kLanes, f);
      other += f;
    }
    const V inverse = L::splat(1.0f / L::sum(sum + other));
    for (u64 i = 0; i < padded; i += L::kLanes) L::store(x + i, L::load(x + i) * inverse);
    for (u64 i = count; i < padded; ++i) x[i] = 0.0f;
  }

  // `count` is a multiple of the lanes.
  static void rope(float* out, const float* x, const float* cosines, const float* sines, u64 count) {
    for (u64 i = 0; i < count; i += L::kLanes) {
      const V v = L::load(x + i);
      L::store(out + i, L::multiply_add(L::swap_pairs(v), L::load(sines + i),
                                        v * L::load(cosines + i)));
    }
  }

  static void swiglu(float* gate, const float* up, u64 count) {
    for (u64 i = 0; i < count; i += L::kLanes) {
      const V g = L::load(gate + i);
      const V sigmoid = L::reciprocal(L::splat(1.0f) + exponential<L>(-g));
      L::store(gate + i, g * sigmoid * L::load(up + i));
    }
  }

  static void add(float* x, const float* y, u64 count) {
    for (u64 i = 0; i < count; i += L::kLanes) L::store(x + i, L::load(x + i) + L::load(y + i));
  }
};

// Of four vectors of four, each one's sum; or greatest.
template <class Join>
inline __m128 reduce(__m128 a, __m128 b, __m128 c, __m128 d, Join join) {
  const __m128 ab = join(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
  const __m128 cd = join(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
  return join(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
}
inline __m128i reduce(__m128i a, __m128i b, __m128i c, __m128i d) {
  const __m128i ab = _mm_add_epi32(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
  const __m128i cd = _mm_add_epi32(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
  return _mm_add_epi32(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
}

// quantize_q8: four blocks together, the best of four scales for each. `columns` is a multiple of 128.
template <class L>
struct Quantize {
  using V = typename L::V;
  using I = typename L::I;
  static constexpr u64 kBlocks = 4, kVectors = kQ8BlockElements / L::kLanes;

  static __m128 best_quants(const V (&x)[kBlocks][kVectors], __m128 largest, __m128 reciprocal) {
    __m128 best = _mm_set1_ps(127.0f), least = {};
    for (const float quant : {127.0f, 126.0f, 125.0f, 124.0f}) {
      alignas(16) float scales[4], inverses[4];
      _mm_store_ps(scales, largest * _mm_set1_ps(1.0f / quant));
      _mm_store_ps(inverses, reciprocal * _mm_set1_ps(quant));
      __m128 errors[kBlocks];
      for (u64 b = 0; b < kBlocks; ++b) {
        const V scale = L::splat(scales[b]), inverse = L::splat(inverses[b]);
        V sum = {};
        for (const V v : x[b]) {
          const V error = L::less_product(v, L::round(v * inverse), scale);
          sum = L::multiply_add(error, error, sum);
        }
        errors[b] = L::fold(sum);
      }
      const __m128 error = reduce(errors[0], errors[1], errors[2], errors[3],
                                  [](__m128 a, __m128 b) { return a + b; });
      const __m128 better = quant == 127.0f ? _mm_setzero_ps() : _mm_cmplt_ps(error, least);
      best = _mm_blendv_ps(best, _mm_set1_ps(quant), better);
      least = quant == 127.0f ? error : _mm_min_ps(error, least);
    }
    return best;
  }

  static void quantize(void* out, const float* x, u64 columns) {
    u8* values = static_cast<u8*>(out);
    u8 *scales = values + columns, *sums = scales + columns / 8, *halves = sums + columns / 8;
    for (u64 at = 0; at < columns; at += kBlocks * kQ8BlockElements) {
      V v[kBlocks][kVectors];
      __m128 most[kBlocks];
      for (u64 b = 0; b < kBlocks; ++b) {
        V greatest = {};
        for (u64 k = 0; k < kVectors; ++k) {
          v[b][k] = L::load(x + at + b * kQ8BlockElements + k * L::kLanes);
          greatest = L::greater(greatest, L::absolute(v[b][k]));
        }
        most[b] = L::fold_greatest(greatest);
      }
      const __m128 largest = reduce(most[0], most[1], most[2], most[3],
                                    [](__m128 a, __m128 b) { return _mm_max_ps(a, b); });
      const __m128 some = _mm_cmpneq_ps(largest, _mm_setzero_ps());
      const __m128 reciprocal = _mm_and_ps(some, _mm_set1_ps(1.0f) / largest);
      const __m128 quant = best_quants(v, largest, reciprocal), scale = largest / quant;
      alignas(16) float inverses[4];
      _mm_store_ps(inverses, reciprocal * quant);
      __m128i first[kBlocks], second[kBlocks];
      for (u64 b = 0; b < kBlocks; ++b) {
        I sum[2] = {L::zero(), L::zero()};
        for (u64 k = 0; k < kVectors; ++k) {
          const I q = L::to_integers(v[b][k] * L::splat(inverses[b]));
          L::store_bytes(values + at + b * kQ8BlockElements + k * L::kLanes, q);
          sum[2 * k / kVectors] = L::add(sum[2 * k / kVectors], q);
        }
        first[b] = L::fold(sum[0]);
        second[b] = L::fold(sum[1]);
      }
      const __m128i a = reduce(first[0], first[1], first[2], first[3]);
      const __m128i b = reduce(second[0], second[1], second[2], second[3]);
      const u64 place = at / 8;
      _mm_storeu_ps(reinterpret_cast<float*>(scales + place), scale);
      _mm_storeu_ps(reinterpret_cast<float*>(sums + place), scale * _mm_cvtepi32_ps(_mm_add_epi32(a, b)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(halves + place), _mm_blend_epi16(a, _mm_slli_epi32(b, 16), 0xaa));
    }
  }
};

}  // namespace bench
