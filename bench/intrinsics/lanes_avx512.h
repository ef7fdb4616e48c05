// Sixteen floats of AVX-512, as elementwise.h and attention.h want them.
#pragma once

#include <immintrin.h>

#include "inference/types.h"

namespace bench {

struct Avx512 {
  using V = __m512;
  using I = __m512i;
  static constexpr inference::u64 kLanes = 16;
  static constexpr int kTogether = 8;  // rows of sums that registers hold

  static V load(const float* p) { return _mm512_loadu_ps(p); }
  static V load_halves(const inference::u16* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static void store(float* p, V x) { _mm512_storeu_ps(p, x); }
  static V splat(float x) { return _mm512_set1_ps(x); }
  static V multiply_add(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static V less_product(V c, V a, V b) { return _mm512_fnmadd_ps(a, b, c); }
  static V greater(V a, V b) { return _mm512_max_ps(a, b); }
  static V absolute(V x) { return _mm512_abs_ps(x); }
  static V round(V x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static V swap_pairs(V x) { return _mm512_permute_ps(x, 0xb1); }
  static V times_power_of_two(V x, V exponent) { return _mm512_scalef_ps(x, exponent); }
  static V reciprocal(V x) {
    const V r = _mm512_rcp14_ps(x);
    return r * _mm512_fnmadd_ps(x, r, splat(2.0f));
  }
  static float sum(V x) { return _mm512_reduce_add_ps(x); }
  static float greatest(V x) { return _mm512_reduce_max_ps(x); }

  // A quarter as many lanes, each the sum (or the greatest) of four.
  static __m128 fold(V x) {
    const __m256 y = _mm512_castps512_ps256(x) + _mm512_extractf32x8_ps(x, 1);
    return _mm256_castps256_ps128(y) + _mm256_extractf128_ps(y, 1);
  }
  static __m128 fold_greatest(V x) {
    const __m256 y = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
    return _mm_max_ps(_mm256_castps256_ps128(y), _mm256_extractf128_ps(y, 1));
  }
  static __m128i fold(I x) {
    const __m256i y = _mm256_add_epi32(_mm512_castsi512_si256(x), _mm512_extracti32x8_epi32(x, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(y), _mm256_extracti128_si256(y, 1));
  }
  static I to_integers(V x) { return _mm512_cvtps_epi32(x); }
  static I add(I a, I b) { return _mm512_add_epi32(a, b); }
  static I zero() { return _mm512_setzero_si512(); }
  static void store_bytes(inference::u8* p, I x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(x));
  }
};

}  // namespace bench
