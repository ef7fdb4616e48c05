// AVX-512 VNNI: a vector holds four quants of each of 16 rows, and vpdpbusd multiplies them with four
// broadcast activations. A batch of tokens meets quants that were unpacked into registers once.
#include "activations.h"
#include "lanes_avx512.h"
#include "table.h"

namespace bench::avx512vnni {

namespace {

constexpr u64 kAhead = 16384;  // that one token's weights are fetched ahead where it pays

__m512i bytes(const u8* at, u64 unit) { return _mm512_loadu_si512(at + 64 * unit); }
__m512i low_nibbles(__m512i x) { return _mm512_and_si512(x, _mm512_set1_epi8(15)); }
__m512i high_nibbles(__m512i x) { return low_nibbles(_mm512_srli_epi16(x, 4)); }
__m512 halves(const u8* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}
__m512i splat_word(i32 x) { return _mm512_set1_epi32(x); }
__m128i part(__m512i x, int n) {
  return n == 0 ? _mm512_castsi512_si128(x)
                : n == 1 ? _mm512_extracti32x4_epi32(x, 1)
                         : n == 2 ? _mm512_extracti32x4_epi32(x, 2) : _mm512_extracti32x4_epi32(x, 3);
}
// Of `parts` of a block, the lines that one token's weights need later, in the order they lie in: the
// processor's own prefetching cannot follow a block that is read in another order (and does well
// where it can).
template <u64 kBytes, int kTokens>
void fetch(const u8* block, u64 part, u64 parts) {
  constexpr u64 kLines = (kBytes + 63) / 64;
  if (kTokens != 1) return;
  for (u64 i = kLines * part / parts; i < kLines * (part + 1) / parts; ++i)
    _mm_prefetch(reinterpret_cast<const char*>(block + kAhead + 64 * i), _MM_HINT_T1);
}

// start + eight units against a block's 32 activations.
__m512i dot(__m512i start, const __m512i (&q)[8], const Rows& x, u64 t, u64 block) {
#pragma clang loop unroll(full)
  for (u64 k = 0; k < 8; ++k)
    start = _mm512_dpbusd_epi32(start, q[k], splat_word(x.four(t, 8 * block + k)));
  return start;
}

// Of one token, two chains.
__m512i dot_alone(__m512i start, const __m512i (&q)[8], const Rows& x, u64 block) {
  __m512i other = _mm512_setzero_si512();
#pragma clang loop unroll(full)
  for (u64 k = 0; k < 8; k += 2) {
    start = _mm512_dpbusd_epi32(start, q[k], splat_word(x.four(0, 8 * block + k)));
    other = _mm512_dpbusd_epi32(other, q[k + 1], splat_word(x.four(0, 8 * block + k + 1)));
  }
  return _mm512_add_epi32(start, other);
}

template <class Block>
struct Tiles : Block {
  template <int kTokens>
  static void tile(float* out, u64 stride, const u8* w, Rows x, u64 columns) {
    __m512 sum[kTokens] = {};
    for (u64 c = 0; c < columns; c += Block::kColumns, w += Block::kBytes) {
      Block::template multiply<kTokens>(sum, w, x);
      x.skip(Block::kColumns / 32);
    }
#pragma clang loop unroll(full)
    for (u64 t = 0; t < kTokens; ++t) _mm512_storeu_ps(out + t * stride, sum[t]);
  }
};

// A scale, and quants with kOffset added: Q4_0 and Q8_0.
template <int kTokens>
void add_offset_block(__m512 (&sum)[kTokens], const __m512i (&q)[8], __m512 scale, int offset,
                      const Rows& x) {
  const __m512i less = _mm512_set1_epi16(static_cast<i16>(-offset));
#pragma clang loop unroll(full)
  for (u64 t = 0; t < kTokens; ++t) {
    const __m512i start = _mm512_madd_epi16(splat_word(x.pair(t, 0)), less);
    const __m512i d = kTokens == 1 ? dot_alone(start, q, x, 0) : dot(start, q, x, t, 0);
    sum[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(d), scale * _mm512_set1_ps(x.scale(t, 0)), sum[t]);
  }
}

struct Q4_0 {
  static constexpr u64 kColumns = 32, kBytes = 18 * 16;
  static constexpr int kTile = 8;
  template <int kTokens>
  static void multiply(__m512 (&sum)[kTokens], const u8* w, const Rows& x) {
    __m512i q[8];
#pragma clang loop unroll(full)
    for (u64 k = 0; k < 4; ++k) {
      q[k] = low_nibbles(bytes(w + 32, k));
      q[k + 4] = high_nibbles(bytes(w + 32, k));
    }
    add_offset_block(sum, q, halves(w), 8, x);
  }
};

struct Q8_0 {
  static constexpr u64 kColumns = 32, kBytes = 34 * 16;
  static constexpr int kTile = 8;
  template <int kTokens>
  static void multiply(__m512 (&sum)[kTokens], const u8* w, const Rows& x) {
    __m512i q[8];
#pragma clang loop unroll(full)
    for (u64 k = 0; k < 8; ++k)
      q[k] = _mm512_xor_si512(bytes(w + 32, k), _mm512_set1_epi8(static_cast<char>(128)));
    add_offset_block(sum, q, halves(w), 128, x);
  }
};

struct Q4_K {
  static constexpr u64 kColumns = 256, kBytes = 144 * 16;
  static constexpr int kTile = 8;

  static __m512 six_bits(__m512i four_blocks, int n, __m512 common) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(part(four_blocks, n))) * common;
  }
  template <int kTokens>
  static void multiply(__m512 (&sum)[kTokens], const u8* w, const Rows& x) {
    const __m512i a = bytes(w + 64, 0), b = bytes(w + 64, 1), c = bytes(w + 64, 2);
    const __m512i low = _mm512_set1_epi8(63), high = _mm512_set1_epi8(48);
    const __m512i scales[2] = {_mm512_and_si512(a, low),
                               low_nibbles(c) | _mm512_and_si512(_mm512_srli_epi16(a, 2), high)};
    const __m512i minima[2] = {_mm512_and_si512(b, low),
                               high_nibbles(c) | _mm512_and_si512(_mm512_srli_epi16(b, 2), high)};
    const __m512 scale = halves(w), minimum = halves(w + 32);
#pragma clang loop unroll(full)
    for (u64 block = 0; block < 8; ++block) {
      __m512i q[8];
#pragma clang loop unroll(full)
      for (u64 k = 0; k < 8; ++k) {
        const __m512i both = bytes(w + 256, block / 2 * 8 + k);
        q[k] = block % 2 == 0 ? low_nibbles(both) : high_nibbles(both);
      }
      const int n = static_cast<int>(block % 4);
      const __m512 s = six_bits(scales[block / 4], n, scale), m = six_bits(minima[block / 4], n, minimum);
#pragma clang loop unroll(full)
      for (u64 t = 0; t < kTokens; ++t) {
        const __m512i zero = _mm512_setzero_si512();
        const __m512i d = kTokens == 1 ? dot_alone(zero, q, x, block) : dot(zero, q, x, t, block);
        const __m512 both = s * _mm512_set1_ps(x.scale(t, block));
        sum[t] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(d), both, sum[t]);
        sum[t] = _mm512_fnmadd_ps(m, _mm512_set1_ps(x.sum(t, block)), sum[t]);
      }
    }
  }
};

struct Q6_K {
  static constexpr u64 kColumns = 256, kBytes = 210 * 16;
  static constexpr int kTile = 6;

  static __m512i quants(__m512i lower, __m512i upper, u64 of_four) {
    const __m512i mask = _mm512_set1_epi8(48);
    const auto shift = static_cast<unsigned>(of_four % 2 * 2);
    if (of_four < 2)
      return low_nibbles(lower) | _mm512_and_si512(_mm512_slli_epi16(upper, 4 - shift), mask);
    return high_nibbles(lower) | _mm512_and_si512(_mm512_srli_epi16(upper, shift), mask);
  }
  static __m512 scale_of(const u8* at, __m512 common) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)))) *
           common;
  }
  template <int kTokens>
  static void multiply(__m512 (&sum)[kTokens], const u8* w, const Rows& x) {
    const __m512 common = halves(w);
    const __m512i less_first = _mm512_set1_epi32(-32 & 0xffff), less_second = _mm512_set1_epi32(-32 * 65536);
#pragma clang loop unroll(full)
    for (u64 block = 0; block < 8; ++block) {
      const u64 chunk = block / 4, of_four = block % 4;
      fetch<kBytes, kTokens>(w, block, 8);
      __m512i q[8];
#pragma clang loop unroll(full)
      for (u64 k = 0; k < 8; ++k) {
        const u64 upper = 3 * (8 * chunk + k);
        q[k] = quants(bytes(w + 18 * 16, upper + 1 + of_four % 2), bytes(w + 18 * 16, upper), of_four);
      }
      const u8* scales = w + 2 * 16 + 32 * block;
      const __m512 first = scale_of(scales, common), second = scale_of(scales + 16, common);
#pragma clang loop unroll(full)
      for (u64 t = 0; t < kTokens; ++t) {
        const __m512i pair = splat_word(x.pair(t, block));
        __m512i a = _mm512_madd_epi16(pair, less_first), b = _mm512_madd_epi16(pair, less_second);
#pragma clang loop unroll(full)
        for (u64 k = 0; k < 4; ++k) {
          a = _mm512_dpbusd_epi32(a, q[k], splat_word(x.four(t, 8 * block + k)));
          b = _mm512_dpbusd_epi32(b, q[k + 4], splat_word(x.four(t, 8 * block + k + 4)));
        }
        const __m512 both = _mm512_fmadd_ps(_mm512_cvtepi32_ps(b), second, _mm512_cvtepi32_ps(a) * first);
        sum[t] = _mm512_fmadd_ps(both, _mm512_set1_ps(x.scale(t, block)), sum[t]);
      }
    }
  }
};

}  // namespace

const void* find(std::string_view kernel) {
  static const Named kProducts[] = {
      named("matmul_q4_0", bench::multiply<Tiles<Q4_0>>), named("matmul_q8_0", bench::multiply<Tiles<Q8_0>>),
      named("matmul_q4_k", bench::multiply<Tiles<Q4_K>>), named("matmul_q6_k", bench::multiply<Tiles<Q6_K>>)};
  for (const Named& n : kProducts)
    if (n.name == kernel) return n.kernel;
  return find_other<Avx512>(kernel);
}

}  // namespace bench::avx512vnni
