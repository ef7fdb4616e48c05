// Packed rows of quantised blocks against Q8 activations. A lane is a row.
//
// A format gives `Block`: kBytes and kColumns of a block, and `multiply(sum, block, x)`, which adds
// the products of a block of 16 rows with the activations from `x` on.
#pragma once

#include "inference/half.h"
#include "inference/kernels/groups.h"
#include "inference/kernels/q8_row.h"

namespace inference {

inline constexpr u64 kHalfBlock = kQ8BlockElements / 2;

// Where one token's activations are read.
struct Q8Row : Q8Places<const u8> {
  using Q8Places::Q8Places;

  [[gnu::always_inline]] F32x16 scale(u64 block) const {
    return splat(load_unaligned<float>(scales + block * sizeof(float)));
  }
  [[gnu::always_inline]] F32x16 sum(u64 block) const {
    return splat(load_unaligned<float>(sums + block * sizeof(float)));
  }

  // What `offset` too much in each quant of a half-block, or of a block, makes of a dot product.
  [[gnu::always_inline]] I32x16 less_offset_half(u64 half, i32 offset) const {
    return splat(-offset * half_sum(half));
  }
  [[gnu::always_inline]] I32x16 less_offset(u64 block, i32 offset) const {
    return splat(-offset * (half_sum(2 * block) + half_sum(2 * block + 1)));
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

// start + the products of four bytes of each row with four activations. The bytes are unsigned: a
// format whose quants have a sign stores them with an offset, or gives them one, and starts with
// what that is too much (less_offset()).
[[gnu::always_inline]] inline I32x16 dot4(I32x16 start, U8x64 quants, const u8* activations) {
  const I32x16 x = splat(load_unaligned<i32>(activations));
#ifdef __AVX512VNNI__
  // Lowered to one operation of the IR, dot4_us, which every tier knows.
  return __builtin_ia32_vpdpbusd512(start, __builtin_bit_cast(I32x16, quants), x);
#else
  // Even and odd bytes, widened. Products fit 16 bits: 255 * 127 < 2^15.
  const auto pairs = __builtin_bit_cast(U16x32, quants);
  const auto x_pairs = __builtin_bit_cast(I16x32, x);
  const I16x32 even = __builtin_bit_cast(I16x32, pairs & 0xff) * ((x_pairs << 8) >> 8);
  const I16x32 odd = __builtin_bit_cast(I16x32, pairs >> 8) * (x_pairs >> 8);
  const auto both_even = __builtin_bit_cast(I32x16, even);
  const auto both_odd = __builtin_bit_cast(I32x16, odd);
  return start + (((both_even << 16) >> 16) + (both_even >> 16)) +
         (((both_odd << 16) >> 16) + (both_odd >> 16));
#endif
}

// 16 columns: quants(k) gives columns 4 k to 4 k + 3 of each row.
template <class Quants>
[[gnu::always_inline]] inline I32x16 dot16(I32x16 start, const u8* activations, Quants quants) {
  start = dot4(start, quants(0), activations);
  start = dot4(start, quants(1), activations + 4);
  start = dot4(start, quants(2), activations + 8);
  return dot4(start, quants(3), activations + 12);
}

// 32 columns, one block of activations.
template <class Quants>
[[gnu::always_inline]] inline I32x16 dot32(I32x16 start, const u8* activations, Quants quants) {
  start =
      dot16(start, activations, [&](u64 k) __attribute__((always_inline)) { return quants(k); });
  return dot16(start, activations + kHalfBlock,
               [&](u64 k) __attribute__((always_inline)) { return quants(4 + k); });
}

// Four bytes of each row.
[[gnu::always_inline]] inline U8x64 unit(const u8* field, u64 index) {
  return load<U8x64>(field + index * sizeof(U8x64));
}

// Unit k of a block of 32 columns in 16 bytes: byte i holds column i in its low four bits and
// column i + 16 in its high ones.
[[gnu::always_inline]] inline U8x64 nibbles(const u8* field, u64 k) {
  return k < 4 ? unit(field, k) & u8{15} : unit(field, k - 4) >> u8{4};
}

// `value` in each byte that has all bits of `mask`, zero in the others.
[[gnu::always_inline]] inline U8x64 where_set(U8x64 bytes, u8 mask, u8 value) {
  return __builtin_bit_cast(U8x64, (bytes & mask) == mask) & value;
}

// A byte of each row as a float.
[[gnu::always_inline]] inline F32x16 to_floats(U8x16 bytes) {
  return to_floats(__builtin_convertvector(bytes, I32x16));
}
[[gnu::always_inline]] inline F32x16 to_floats(I8x16 bytes) {
  return to_floats(__builtin_convertvector(bytes, I32x16));
}

}  // namespace inference
