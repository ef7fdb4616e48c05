// Packed rows of quantised blocks against Q8 activations. A lane is a row.
//
// A format gives `Block`: kBytes and kColumns of a block, and `multiply(sum, block, x)`, which adds
// the products of a block of 16 rows with the activations from `x` on.
#pragma once

#include "inference/half.h"
#include "inference/kernels/groups.h"
#include "inference/kernels/kernels.h"

namespace inference {

inline constexpr u64 kHalfBlock = kQ8BlockElements / 2;

// Where one token's activations are read: block i of 32 columns is values[32 i], scales[i],
// sums[i], halves[2 i].
struct Q8Row {
  const u8* values;
  const u8* scales;
  const u8* sums;
  const u8* halves;

  [[gnu::always_inline]] Q8Row(const u8* row, u64 columns)
      : values(row),
        scales(row + columns),
        sums(scales + columns / kQ8BlockElements * sizeof(float)),
        halves(sums + columns / kQ8BlockElements * sizeof(float)) {}

  [[gnu::always_inline]] void skip(u64 blocks) {
    values += blocks * kQ8BlockElements;
    scales += blocks * sizeof(float);
    sums += blocks * sizeof(float);
    halves += blocks * 2 * sizeof(i16);
  }

  [[gnu::always_inline]] F32x16 scale(u64 block) const {
    return splat(load_unaligned<float>(scales + block * sizeof(float)));
  }
  [[gnu::always_inline]] F32x16 sum(u64 block) const {
    return splat(load_unaligned<float>(sums + block * sizeof(float)));
  }
  [[gnu::always_inline]] i32 half_sum(u64 half) const {
    return load_unaligned<i16>(halves + half * sizeof(i16));
  }
};

template <class Block>
struct Quantized {
  static u64 group_bytes(u64 columns) { return columns / Block::kColumns * Block::kBytes * kLanes; }
  static u64 activation_bytes(u64 columns) { return q8_row_bytes(columns); }

  [[gnu::always_inline]] static F32x16 multiply(const u8* weights, const u8* activations,
                                                u64 columns) {
    Q8Row x(activations, columns);
    F32x16 sum = {};
    for (u64 column = 0; column < columns; column += Block::kColumns) {
      Block::multiply(sum, weights, x);
      weights += Block::kBytes * kLanes;
      x.skip(Block::kColumns / kQ8BlockElements);
    }
    return sum;
  }
};

// ---- Integer dot products -------------------------------------------------------------------
//
// Quants are multiplied as i16, which SSE2 can do, too. A vector of 64 bytes, four quants for each
// of 16 rows, is taken as pairs: those at even places, widened, and those at odd ones.

// Sums of neighbouring lanes, as i32.
[[gnu::always_inline]] inline I32x16 add_pairs(I16x32 products) {
  const I32x16 both = __builtin_bit_cast(I32x16, products);
  return ((both << 16) >> 16) + (both >> 16);
}

// 16 activations, widened: of each four, the ones at even and at odd places.
struct Sixteen {
  I16x8 even, odd;

  [[gnu::always_inline]] explicit Sixteen(const u8* values) {
    const auto pairs = load<I16x8>(values);
    even = (pairs << 8) >> 8;
    odd = pairs >> 8;
  }
};

template <int kFour>
[[gnu::always_inline]] inline I16x32 splat_pair(I16x8 x) {
  return __builtin_bit_cast(I16x32, splat_lane<kFour>(__builtin_bit_cast(I32x4, x)));
}

// Products with four activations, each lane the sum of two.
template <int kFour>
[[gnu::always_inline]] inline I16x32 multiply_unsigned(U16x32 quants, const Sixteen& x) {
  const auto even = __builtin_bit_cast(I16x32, quants & 0xff);
  const auto odd = __builtin_bit_cast(I16x32, quants >> 8);
  return even * splat_pair<kFour>(x.even) + odd * splat_pair<kFour>(x.odd);
}

template <int kFour>
[[gnu::always_inline]] inline I16x32 multiply_signed(U16x32 quants, const Sixteen& x) {
  const auto even = __builtin_bit_cast(I16x32, quants << 8) >> 8;
  const auto odd = __builtin_bit_cast(I16x32, quants) >> 8;
  return even * splat_pair<kFour>(x.even) + odd * splat_pair<kFour>(x.odd);
}

// 16 columns of 16 rows: quants(k) gives columns 4 k to 4 k + 3 of each row as unsigned bytes up to
// kMost. As many products are added up as i16 as surely fit.
template <int kMost, class Quants>
[[gnu::always_inline]] inline I32x16 dot_unsigned(const u8* values, Quants quants) {
  constexpr int kFit = INT16_MAX / (kMost * 127);
  static_assert(kFit >= 4);
  const Sixteen x(values);
  const I16x32 first = multiply_unsigned<0>(quants(0), x) + multiply_unsigned<1>(quants(1), x);
  const I16x32 second = multiply_unsigned<2>(quants(2), x) + multiply_unsigned<3>(quants(3), x);
  if constexpr (kFit >= 8) return add_pairs(first + second);
  return add_pairs(first) + add_pairs(second);
}

// The same for signed bytes: two products fit, as 2 * 128 * 127 is less than 2^15.
template <class Quants>
[[gnu::always_inline]] inline I32x16 dot_signed(const u8* values, Quants quants) {
  const Sixteen x(values);
  return (add_pairs(multiply_signed<0>(quants(0), x)) +
          add_pairs(multiply_signed<1>(quants(1), x))) +
         (add_pairs(multiply_signed<2>(quants(2), x)) +
          add_pairs(multiply_signed<3>(quants(3), x)));
}

// Four bytes of each row.
[[gnu::always_inline]] inline U16x32 unit(const u8* field, u64 index) {
  return load<U16x32>(field + index * sizeof(U16x32));
}

// The low and the high four bits of each byte.
[[gnu::always_inline]] inline U16x32 low_nibbles(U16x32 bytes) {
  return bytes & 0x0f0f;
}
[[gnu::always_inline]] inline U16x32 high_nibbles(U16x32 bytes) {
  return (bytes >> 4) & 0x0f0f;
}

// `value` in each byte that has all bits of `mask`, zero in the others.
[[gnu::always_inline]] inline U16x32 where_set(U16x32 bytes, u8 mask, u8 value) {
  const auto masked = __builtin_bit_cast(U8x64, bytes) & mask;
  const auto hit = __builtin_bit_cast(U8x64, masked == mask);
  return __builtin_bit_cast(U16x32, hit & value);
}

// A byte of each row as a float.
[[gnu::always_inline]] inline F32x16 to_floats(U8x16 bytes) {
  return to_floats(__builtin_convertvector(bytes, I32x16));
}
[[gnu::always_inline]] inline F32x16 to_floats(I8x16 bytes) {
  return to_floats(__builtin_convertvector(bytes, I32x16));
}

}  // namespace inference
