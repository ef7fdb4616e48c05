// AVX2: eight rows at a time. vpmaddubsw multiplies four quants of each row with four broadcast
// activations and adds pairs; sums of pairs stay within 16 bits for a while.
#include "activations.h"
#include "lanes_avx2.h"
#include "table.h"

namespace bench::avx2 {

namespace {

constexpr u64 kAhead = 16384;  // that one token's weights are fetched ahead where it pays

__m256i bytes(const u8* at, u64 unit) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 64 * unit));
}
__m256i low_nibbles(__m256i x) { return _mm256_and_si256(x, _mm256_set1_epi8(15)); }
__m256i high_nibbles(__m256i x) { return low_nibbles(_mm256_srli_epi16(x, 4)); }
__m256 halves(const u8* at) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}
__m128i eight(const u8* at) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)); }
__m256i four(const Rows& x, u64 t, u64 at) { return _mm256_set1_epi32(x.four(t, at)); }
__m256i splat_words(i16 x) { return _mm256_set1_epi16(x); }

// Of `parts` of a block, the lines that one token's weights need later, in the order they lie in: the
// processor's own prefetching cannot follow a block that is read in another order (and does well
// where it can).
template <u64 kBytes>
void fetch(const u8* block, u64 part, u64 parts) {
  constexpr u64 kLines = (kBytes + 63) / 64;
  for (u64 i = kLines * part / parts; i < kLines * (part + 1) / parts; ++i)
    _mm_prefetch(reinterpret_cast<const char*>(block + kAhead + 64 * i), _MM_HINT_T1);
}

// Both halves of a group's rows; `w` of the second is that much further. One token meets them side by
// side, so that memory is read once along; for several, registers suffice for one half at a time.
template <class Block>
struct Tiles : Block {
  template <int kTokens, int kHalves>
  static void halves_of_tile(float* out, u64 stride, const u8* w, u64 half, Rows x, u64 columns) {
    __m256 sum[kHalves][kTokens] = {};
    for (u64 c = 0; c < columns; c += Block::kColumns, w += Block::kBytes) {
#pragma clang loop unroll(full)
      for (u64 h = 0; h < kHalves; ++h) Block::template multiply<kTokens>(sum[h], w, half + h, x);
      x.skip(Block::kColumns / 32);
    }
#pragma clang loop unroll(full)
    for (u64 h = 0; h < kHalves; ++h)
#pragma clang loop unroll(full)
      for (u64 t = 0; t < kTokens; ++t) _mm256_storeu_ps(out + t * stride + 8 * (half + h), sum[h][t]);
  }

  template <int kTokens>
  static void tile(float* out, u64 stride, const u8* w, const Rows& x, u64 columns) {
    if constexpr (kTokens == 1) {
      halves_of_tile<1, 2>(out, stride, w, 0, x, columns);
    } else {
      halves_of_tile<kTokens, 1>(out, stride, w, 0, x, columns);
      halves_of_tile<kTokens, 1>(out, stride, w, 1, x, columns);
    }
  }
};

// Less `offset` times the sum of the block's activations.
__m256i less_offset(__m256i dot, const Rows& x, u64 t, i16 offset) {
  return _mm256_sub_epi32(dot, _mm256_madd_epi16(_mm256_set1_epi32(x.pair(t, 0)), splat_words(offset)));
}

struct Q4_0 {
  static constexpr u64 kColumns = 32, kBytes = 18 * 16;
  static constexpr int kTile = 4;
  template <int kTokens>
  static void multiply(__m256 (&sum)[kTokens], const u8* w, u64 half, const Rows& x) {
    __m256i pairs[kTokens] = {};
#pragma clang loop unroll(full)
    for (u64 k = 0; k < 4; ++k) {
      const __m256i both = bytes(w + 32 + 32 * half, k), low = low_nibbles(both), high = high_nibbles(both);
#pragma clang loop unroll(full)
      for (u64 t = 0; t < kTokens; ++t) {
        pairs[t] = _mm256_add_epi16(pairs[t], _mm256_maddubs_epi16(low, four(x, t, k)));
        pairs[t] = _mm256_add_epi16(pairs[t], _mm256_maddubs_epi16(high, four(x, t, k + 4)));
      }
    }
    const __m256 scale = halves(w + 16 * half);
#pragma clang loop unroll(full)
    for (u64 t = 0; t < kTokens; ++t) {
      const __m256i dot = less_offset(_mm256_madd_epi16(pairs[t], splat_words(1)), x, t, 8);
      sum[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scale * _mm256_set1_ps(x.scale(t, 0)), sum[t]);
    }
  }
};

struct Q8_0 {
  static constexpr u64 kColumns = 32, kBytes = 34 * 16;
  static constexpr int kTile = 4;
  template <int kTokens>
  static void multiply(__m256 (&sum)[kTokens], const u8* w, u64 half, const Rows& x) {
    __m256i dot[kTokens] = {};
#pragma clang loop unroll(full)
    for (u64 k = 0; k < 8; ++k) {
      const __m256i q = bytes(w + 32 + 32 * half, k), magnitude = _mm256_abs_epi8(q);
#pragma clang loop unroll(full)
      for (u64 t = 0; t < kTokens; ++t) {
        const __m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(four(x, t, k), q));
        dot[t] = _mm256_add_epi32(dot[t], _mm256_madd_epi16(pairs, splat_words(1)));
      }
    }
    const __m256 scale = halves(w + 16 * half);
#pragma clang loop unroll(full)
    for (u64 t = 0; t < kTokens; ++t)
      sum[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot[t]), scale * _mm256_set1_ps(x.scale(t, 0)), sum[t]);
  }
};

struct Q4_K {
  static constexpr u64 kColumns = 256, kBytes = 144 * 16;
  static constexpr int kTile = 4;

  // Number `block` of the scales, or of the minima, of 8 rows (src/inference/kernels/superblock.h).
  static __m256 six_bits(const u8* at, u64 block, bool minimum, __m256 common) {
    const __m128i upper = eight(at + 16 * (block % 4 + (minimum ? 4 : 0)));
    __m128i bits = _mm_and_si128(upper, _mm_set1_epi8(63));
    if (block >= 4) {
      const __m128i packed = eight(at + 16 * (block + 4));
      const __m128i low = _mm_and_si128(minimum ? _mm_srli_epi16(packed, 4) : packed, _mm_set1_epi8(15));
      bits = _mm_or_si128(low, _mm_and_si128(_mm_srli_epi16(upper, 2), _mm_set1_epi8(48)));
    }
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bits)) * common;
  }
  template <int kTokens>
  static void multiply(__m256 (&sum)[kTokens], const u8* w, u64 half, const Rows& x) {
    const __m256 scale = halves(w + 16 * half), minimum = halves(w + 32 + 16 * half);
#pragma clang loop unroll(full)
    for (u64 block = 0; block < 8; ++block) {
      __m256i pairs[kTokens] = {};
#pragma clang loop unroll(full)
      for (u64 k = 0; k < 8; ++k) {
        const __m256i both = bytes(w + 256 + 32 * half, block / 2 * 8 + k);
        const __m256i q = block % 2 == 0 ? low_nibbles(both) : high_nibbles(both);
#pragma clang loop unroll(full)
        for (u64 t = 0; t < kTokens; ++t)
          pairs[t] = _mm256_add_epi16(pairs[t], _mm256_maddubs_epi16(q, four(x, t, 8 * block + k)));
      }
      const u8* six = w + 64 + 8 * half;
      const __m256 s = six_bits(six, block, false, scale), m = six_bits(six, block, true, minimum);
#pragma clang loop unroll(full)
      for (u64 t = 0; t < kTokens; ++t) {
        const __m256 dot = _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs[t], splat_words(1)));
        sum[t] = _mm256_fmadd_ps(dot, s * _mm256_set1_ps(x.scale(t, block)), sum[t]);
        sum[t] = _mm256_fnmadd_ps(m, _mm256_set1_ps(x.sum(t, block)), sum[t]);
      }
    }
  }
};

struct Q6_K {
  static constexpr u64 kColumns = 256, kBytes = 210 * 16;
  static constexpr int kTile = 4;

  static __m256i quants(__m256i lower, __m256i upper, u64 of_four) {
    const __m256i mask = _mm256_set1_epi8(48);
    const int shift = static_cast<int>(of_four % 2 * 2);
    if (of_four < 2)
      return low_nibbles(lower) | _mm256_and_si256(_mm256_slli_epi16(upper, 4 - shift), mask);
    return high_nibbles(lower) | _mm256_and_si256(_mm256_srli_epi16(upper, shift), mask);
  }
  template <int kTokens>
  static void multiply(__m256 (&sum)[kTokens], const u8* w, u64 half, const Rows& x) {
    const __m256 common = halves(w + 16 * half);
#pragma clang loop unroll(full)
    for (u64 block = 0; block < 8; ++block) {
      if (kTokens == 1 && half == 0) fetch<kBytes>(w, block, 8);
      const u64 chunk = block / 4, of_four = block % 4;
      const u8* triples = w + 18 * 16 + 32 * half + 64 * 3 * 8 * chunk;
      __m256i dot[kTokens] = {}, less[kTokens] = {};
#pragma clang loop unroll(full)
      for (u64 part = 0; part < 2; ++part) {
        // The scale in both halves of a word multiplies pairs and adds them.
        const __m256i scale = _mm256_cvtepi8_epi32(eight(w + 2 * 16 + 32 * block + 16 * part + 8 * half));
        const __m256i twice = _mm256_or_si256(_mm256_and_si256(scale, _mm256_set1_epi32(0xffff)),
                                              _mm256_slli_epi32(scale, 16));
        // 63 * 127 fits four times: two units' pairs.
#pragma clang loop unroll(full)
        for (u64 k = 4 * part; k < 4 * part + 4; k += 2) {
          const u64 lower = 3 * k + 1 + of_four % 2;
          const __m256i a = quants(bytes(triples, lower), bytes(triples, 3 * k), of_four);
          const __m256i b = quants(bytes(triples, lower + 3), bytes(triples, 3 * k + 3), of_four);
#pragma clang loop unroll(full)
          for (u64 t = 0; t < kTokens; ++t) {
            const __m256i pairs =
                _mm256_add_epi16(_mm256_maddubs_epi16(a, four(x, t, 8 * block + k)),
                                 _mm256_maddubs_epi16(b, four(x, t, 8 * block + k + 1)));
            dot[t] = _mm256_add_epi32(dot[t], _mm256_madd_epi16(pairs, twice));
          }
        }
        const __m256i chosen = _mm256_and_si256(twice, _mm256_set1_epi32(part == 0 ? 0xffff : -65536));
#pragma clang loop unroll(full)
        for (u64 t = 0; t < kTokens; ++t)
          less[t] = _mm256_add_epi32(less[t], _mm256_madd_epi16(chosen, _mm256_set1_epi32(x.pair(t, block))));
      }
#pragma clang loop unroll(full)
      for (u64 t = 0; t < kTokens; ++t) {
        const __m256i all = _mm256_sub_epi32(dot[t], _mm256_slli_epi32(less[t], 5));
        sum[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(all), common * _mm256_set1_ps(x.scale(t, block)), sum[t]);
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
  return find_other<Avx2>(kernel);
}

}  // namespace bench::avx2
