// What the formats with blocks of 256 columns share ("K-quants"; layouts as in ggml).
//
// A super-block has eight blocks of 32 columns, or 16 halves of those, each with a scale of few
// bits; its half-precision scale multiplies them all. 32 activations have a scale of their own, so
// a super-block is taken block by block.
#pragma once

#include "inference/kernels/quantized.h"

namespace inference {

inline constexpr u64 kSuperBlock = 256;
inline constexpr u64 kBlocks = kSuperBlock / kQ8BlockElements;
inline constexpr u64 kHalves = 2 * kBlocks;

// A block whose halves have a scale each: adds its products with its activations, where quants(k)
// gives columns 4 k to 4 k + 3 of each row with `offset` added.
template <class Quants>
[[gnu::always_inline]] inline void add_halves(F32x16& sum, const Q8Row& x, u64 block, F32x16 scale0,
                                              F32x16 scale1, i32 offset, Quants quants) {
  const u8* values = x.values + block * kQ8BlockElements;
  const I32x16 first = dot16(x.less_offset_half(2 * block, offset), values,
                             [&](u64 k) __attribute__((always_inline)) { return quants(k); });
  const I32x16 second = dot16(x.less_offset_half(2 * block + 1, offset), values + kHalfBlock,
                              [&](u64 k) __attribute__((always_inline)) { return quants(4 + k); });
  sum += to_floats(first) * (scale0 * x.scale(block));
  sum += to_floats(second) * (scale1 * x.scale(block));
}

// ---- Two bits: Q2_K, Q3_K -------------------------------------------------------------------
//
// Of 64 bytes, the first 32 hold blocks 0 to 3 and the others blocks 4 to 7, two bits each.

template <int kOfFour>
[[gnu::always_inline]] inline U8x64 two_bits(const u8* quants, u64 chunk, u64 k) {
  return (unit(quants, 8 * chunk + k) >> u8{2 * kOfFour}) & u8{3};
}

inline i32 two_bits_at(const u8* quants, u64 column) {
  return quants[column / 128 * 32 + column % 32] >> (column / 32 % 4 * 2) & 3;
}

// ---- Scales and minima of six bits in twelve bytes: Q4_K, Q5_K --------------------------------
//
// Bytes 0 to 3 and 4 to 7 hold scales and minima of blocks 0 to 3 in their lower six bits. Bytes 8
// to 11 hold the lower four bits of those of blocks 4 to 7; the upper two are in bytes 0 to 7.

// Of 16 rows: row r's number of block b is at [b][r].
struct ScalesAndMinima {
  u8 scales[kBlocks][kLanes];
  u8 minima[kBlocks][kLanes];

  [[gnu::always_inline]] explicit ScalesAndMinima(const u8* packed) {
    const auto a = load<U8x64>(packed), b = load<U8x64>(packed + 64), c = load<U8x64>(packed + 128);
    store(scales[0], a & u8{63});
    store(minima[0], b & u8{63});
    store(scales[4], (c & u8{15}) | (a >> u8{6}) << u8{4});
    store(minima[4], (c >> u8{4}) | (b >> u8{6}) << u8{4});
  }
};

inline u8 scale_at(const u8* bytes, u64 block) {
  if (block < 4) return bytes[block] & 63;
  return static_cast<u8>((bytes[block + 4] & 15) | (bytes[block - 4] >> 6) << 4);
}

inline u8 minimum_at(const u8* bytes, u64 block) {
  if (block < 4) return bytes[block + 4] & 63;
  return static_cast<u8>(bytes[block + 4] >> 4 | (bytes[block] >> 6) << 4);
}

// ---- A super-block of Q4_K or Q5_K -------------------------------------------------------------
//
// 32 bytes of `quants` hold two blocks, one in the low, the next in the high four bits;
// more(block, k) gives what is above those. Each block has a scale and a minimum.
template <class More>
[[gnu::always_inline]] inline void multiply_nibbles(F32x16& sum, const u8* halves,
                                                    const u8* six_bits, const u8* quants,
                                                    const Q8Row& x, More more) {
  const ScalesAndMinima by_block(six_bits);
  const F32x16 scale = halves_to_floats(halves), minimum = halves_to_floats(halves + 2 * kLanes);
  const auto add = [&](u64 block, auto nibble) __attribute__((always_inline)) {
    const I32x16 dot =
        dot32({}, x.values + block * kQ8BlockElements, [&](u64 k) __attribute__((always_inline)) {
          return nibble(unit(quants, k)) | more(block, k);
        });
    sum += to_floats(dot) *
           (to_floats(load<U8x16>(by_block.scales[block])) * scale * x.scale(block));
    sum -= to_floats(load<U8x16>(by_block.minima[block])) * minimum * x.sum(block);
  };
#pragma clang loop unroll(disable)
  for (u64 block = 0; block < kBlocks; block += 2, quants += 8 * sizeof(U8x64)) {
    add(block, [](U8x64 bytes) __attribute__((always_inline)) { return bytes & u8{15}; });
    add(block + 1, [](U8x64 bytes) __attribute__((always_inline)) { return bytes >> u8{4}; });
  }
}

}  // namespace inference
