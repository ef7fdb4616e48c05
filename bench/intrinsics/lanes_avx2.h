// Eight floats of AVX2, as elementwise.h and attention.h want them.
#pragma once

#include <immintrin.h>

#include "inference/types.h"

namespace bench {

struct Avx2 {
  using V = __m256;
  using I = __m256i;
  static constexpr inference::u64 kLanes = 8;
  static constexpr int kTogether = 8;  // rows of sums that registers hold

  static V load(const float* p) { return _mm256_loadu_ps(p); }
  static V load_halves(const inference::u16* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static void store(float* p, V x) { _mm256_storeu_ps(p, x); }
  static V splat(float x) { return _mm256_set1_ps(x); }
  static V multiply_add(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static V less_product(V c, V a, V b) { return _mm256_fnmadd_ps(a, b, c); }
  static V greater(V a, V b) { return _mm256_max_ps(a, b); }
  static V absolute(V x) { return _mm256_andnot_ps(splat(-0.0f), x); }
  static V round(V x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static V swap_pairs(V x) { return _mm256_permute_ps(x, 0xb1); }
  static V times_power_of_two(V x, V exponent) {
    const I bits = _mm256_slli_epi32(_mm256_cvtps_epi32(exponent), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), bits));
  }
  static V reciprocal(V x) { return splat(1.0f) / x; }
  static float sum(V x) {
    const __m128 y = fold(x), z = y + _mm_movehl_ps(y, y);
    return _mm_cvtss_f32(z + _mm_movehdup_ps(z));
  }
  static float greatest(V x) {
    const __m128 y = fold_greatest(x), z = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ps(z, _mm_movehdup_ps(z)));
  }

  // Half as many lanes, each the sum (or the greatest) of two.
  static __m128 fold(V x) { return _mm256_castps256_ps128(x) + _mm256_extractf128_ps(x, 1); }
  static __m128 fold_greatest(V x) {
    return _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  }
  static __m128i fold(I x) {
    return _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  }
  static I to_integers(V x) { return _mm256_cvtps_epi32(x); }
  static I add(I a, I b) { return _mm256_add_epi32(a, b); }
  static I zero() { return _mm256_setzero_si256(); }
  static void store_bytes(inference::u8* p, I x) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
    _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packs_epi16(words, words));
  }
};

}  // namespace bench
