// What x86's header files have beyond plain vector code: up to SSE4.2.
#include <nmmintrin.h>

#include "program.h"

#define SSE __attribute__((target("sse4.2")))
namespace {

SSE __m128i make(u64 a, u64 b) { return _mm_set_epi64x(static_cast<i64>(a), static_cast<i64>(b)); }
SSE void mix_vector(u64& h, __m128i v) {
  u64 words[2];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words), v);
  mix(h, words[0]);
  mix(h, words[1]);
}

}  // namespace

extern "C" SSE u64 test_x86_integers(u64 a, u64 b) {
  const __m128i x = make(a, b), y = make(b * 3, a ^ b);
  u64 h = 0;
  mix_vector(h, _mm_madd_epi16(x, y));
  mix_vector(h, _mm_maddubs_epi16(x, y));
  mix_vector(h, _mm_sad_epu8(x, y));
  mix_vector(h, _mm_packs_epi16(x, y));
  mix_vector(h, _mm_packus_epi16(x, y));
  mix_vector(h, _mm_packs_epi32(x, y));
  mix_vector(h, _mm_packus_epi32(x, y));
  mix_vector(h, _mm_shuffle_epi8(x, y));
  mix_vector(h, _mm_mulhi_epi16(x, y));
  mix_vector(h, _mm_mulhi_epu16(x, y));
  mix_vector(h, _mm_hadd_epi16(x, y));
  mix_vector(h, _mm_hsub_epi32(x, y));
  mix_vector(h, _mm_avg_epu8(x, y));
  mix_vector(h, _mm_adds_epi16(x, y));
  mix_vector(h, _mm_blendv_epi8(x, y, make(a * 7, b * 5)));
  mix(h, static_cast<u64>(_mm_movemask_epi8(x)));
  mix(h, static_cast<u64>(_mm_testz_si128(x, y)) | static_cast<u64>(_mm_testc_si128(x, y)) << 1);
  return h;
}
extern "C" SSE u64 test_x86_shifts(u64 a, u64 b) {
  const __m128i x = make(a, b), n = make(a, b % 80);
  const int k = static_cast<int>(b % 80);
  u64 h = 0;
  mix_vector(h, _mm_slli_epi16(x, k));
  mix_vector(h, _mm_srli_epi32(x, k));
  mix_vector(h, _mm_srai_epi16(x, k));
  mix_vector(h, _mm_slli_epi64(x, k));
  mix_vector(h, _mm_sll_epi32(x, n));
  mix_vector(h, _mm_srl_epi64(x, n));
  mix_vector(h, _mm_sra_epi32(x, n));
  mix_vector(h, _mm_srli_epi16(x, 3));
  mix_vector(h, _mm_slli_si128(x, 5));
  return h;
}
extern "C" SSE u64 test_x86_floats(u64 a, u64 b) {
  const float p = static_cast<float>(static_cast<i32>(a)) / 8, q = static_cast<float>(static_cast<i32>(b)) / 16;
  const __m128 x = _mm_set_ps(p, q, -p, 1.5f), y = _mm_set_ps(q, p, 2.5f, -q);
  const __m128d d = _mm_set_pd(static_cast<double>(p), -static_cast<double>(q));
  u64 h = 0;
  mix_vector(h, _mm_castps_si128(_mm_min_ps(x, y)));
  mix_vector(h, _mm_castps_si128(_mm_max_ps(x, y)));
  mix_vector(h, _mm_castps_si128(_mm_max_ss(x, y)));
  mix_vector(h, _mm_castps_si128(_mm_hadd_ps(x, y)));
  mix_vector(h, _mm_castps_si128(_mm_round_ps(x, _MM_FROUND_TO_NEAREST_INT)));
  mix_vector(h, _mm_castps_si128(_mm_floor_ps(y)));
  mix_vector(h, _mm_cvtps_epi32(x));
  mix_vector(h, _mm_cvttps_epi32(y));
  mix_vector(h, _mm_castps_si128(_mm_blendv_ps(x, y, y)));
  mix_vector(h, _mm_castps_si128(_mm_cmplt_ps(x, y)));
  mix(h, static_cast<u64>(_mm_movemask_ps(x)) | static_cast<u64>(_mm_movemask_pd(d)) << 8);
  mix(h, static_cast<u64>(_mm_cvtsd_si64(d)));
  mix(h, static_cast<u64>(_mm_cvttss_si32(x)));
  return h;
}
extern "C" SSE u64 test_x86_crc(u64 a, u64 b) {
  u64 h = _mm_crc32_u64(a, b);
  h = _mm_crc32_u64(h, _mm_crc32_u8(static_cast<u32>(a), static_cast<u8>(b)));
  return h ^ _mm_crc32_u32(static_cast<u32>(b), static_cast<u32>(a));
}
TEST(x86_carries) {
  unsigned long long low, high;
  const u8 carry = __builtin_ia32_addcarryx_u64(static_cast<u8>(a & 1), a, b, &low);
  const u8 again = __builtin_ia32_addcarryx_u64(carry, b, ~a, &high);
  unsigned long long less;
  const u8 borrow = __builtin_ia32_subborrow_u64(again, a, b, &less);
  return low ^ high * 3 ^ less * 5 ^ borrow;
}
