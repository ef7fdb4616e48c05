// The weight formats: block layouts as in llama.cpp's ggml-common.h, packed as src/inference/formats.h
// says: offsets below are 16 times those in a block of one row.
#include "microjit/emit/matmul_quantized.h"

namespace bf::microjit::emit {

namespace {

using K = QuantizedMatmul;
using F = MatmulFormat;

constexpr u32 kRows = 16;
constexpr u32 kUnit = 4 * kRows;  // bytes of a unit: four columns of each row, or eight nibbles
constexpr u32 kNibble = 0;        // constant: four bits in each byte
constexpr u32 kOther = 1;         // constant: what else a format needs

void set_up_nibbles(K& k) { k.load_constant(kNibble, 0x0f0f0f0f); }

// ---- What several have ----

// Both nibbles of a unit: columns c to c + 3, and c + 16 to c + 19.
void both_nibbles(K& k, u32 offset, u32 row_part, V first, V second) {
  Simd& s = k.simd();
  s.load(first, k.packed(offset, 4, row_part));
  s.shift_right16(second, first, 4);
  s.bit_and(first, first, k.constant(kNibble));
  s.bit_and(second, second, k.constant(kNibble));
}

// One nibble of a unit.
void one_nibble(K& k, u32 offset, bool high, u32 row_part, V to) {
  Simd& s = k.simd();
  V from = k.unit(offset, row_part, to);
  if (high) {
    s.shift_right16(to, from, 4);
    from = to;
  }
  s.bit_and(to, from, k.constant(kNibble));
}

// Adds bits of another unit: those of `mask` once it has been shifted to the left (or right).
void add_bits(K& k, u32 offset, int left, Source mask, u32 row_part, V to) {
  Simd& s = k.simd();
  const V bits = k.temporary(2);
  s.shift16(bits, k.unit(offset, row_part, bits), left);
  s.or_masked(to, bits, mask);
}

template <u32 kAt>
void half_scale(K& k, u32, u32, u32 row_part, V to) {
  k.simd().halves_to_float(to, k.packed(kAt, 2, row_part));
}
template <u32 kAt>
void half_minimum(K& k, u32, u32 row_part, V to) {
  k.simd().halves_to_float(to, k.packed(kAt, 2, row_part));
}

// Fifth bits of Q5_0 and Q5_1: 32 of them, a bit a column, in one unit.
void add_fifth_bits(K& k, u32 offset, u32 pair, u32 row_part, V first, V second) {
  Simd& s = k.simd();
  u8 low_bytes[16], high_bytes[16], bits[16], value[16];
  for (u32 n = 0; n < 16; ++n) {
    low_bytes[n] = static_cast<u8>(n / 4 * 4 + pair / 2);  // the byte with this pair's bits
    high_bytes[n] = static_cast<u8>(low_bytes[n] + 2);
    bits[n] = static_cast<u8>(1 << (pair % 2 * 4 + n % 4));
    value[n] = 16;
  }
  const V all = k.temporary(2), some = k.temporary(3);
  s.load(all, k.packed(offset, 4, row_part));
  s.shuffle_bytes(some, all, k.splat16(low_bytes));
  s.add8_where(first, some, k.splat16(bits), k.splat16(value), some);
  s.shuffle_bytes(some, all, k.splat16(high_bytes));
  s.add8_where(second, some, k.splat16(bits), k.splat16(value), some);
}

// ---- Blocks of 32 ----

template <u32 kQuants>
void weights_q4(K& k, u32, u32 pair, u32 row_part, V first, V second) {
  both_nibbles(k, kQuants + pair * kUnit, row_part, first, second);
}

template <u32 kBits, u32 kQuants>
void weights_q5(K& k, u32, u32 pair, u32 row_part, V first, V second) {
  both_nibbles(k, kQuants + pair * kUnit, row_part, first, second);
  add_fifth_bits(k, kBits, pair, row_part, first, second);
}

void set_up_q8_0(K& k) { k.load_constant(kOther, 0x80808080); }
void weights_q8_0(K& k, u32, u32 pair, u32 row_part, V first, V second) {
  Simd& s = k.simd();
  constexpr u32 kQuants = 32;
  const V to[] = {first, second};
  for (u32 n = 0; n < 2; ++n) {
    s.load(to[n], k.packed(kQuants + (2 * pair + n) * kUnit, 4, row_part));
    if (has_dot(s.set())) s.bit_xor(to[n], to[n], k.constant(kOther));
  }
}

// The sixteen values of IQ4_NL and IQ4_XS, as they are or 128 higher.
x86::Mem values_iq4(K& k) {
  static constexpr i8 kValues[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};
  u8 bytes[16];
  for (u32 n = 0; n < 16; ++n)
    bytes[n] = static_cast<u8>(kValues[n] + (has_dot(k.simd().set()) ? 128 : 0));
  return k.splat16(bytes);
}
void set_up_iq4(K& k) {
  set_up_nibbles(k);
  k.simd().load(k.constant(kOther), values_iq4(k));
}
void weights_iq4(K& k, u32 offset, u32 row_part, V first, V second) {
  both_nibbles(k, offset, row_part, first, second);
  k.simd().shuffle_bytes(first, k.constant(kOther), first);
  k.simd().shuffle_bytes(second, k.constant(kOther), second);
}
void weights_iq4_nl(K& k, u32, u32 pair, u32 row_part, V first, V second) {
  constexpr u32 kQuants = 32;
  weights_iq4(k, kQuants + pair * kUnit, row_part, first, second);
}

// ---- Blocks of 256 ----

// Scratch of these formats: vector 0 for what scales all minima (kCommonMinimum), then bytes: 16 (one
// a row) for each scale, then for each minimum.
x86::Mem scratch_bytes(K& k, u32 n, u32 row_part) {
  return k.scratch(1, 0).cloneAdjusted(n * kRows + row_part * k.simd().lanes());
}

// Does something for each vector of four scales' bytes (64 bytes: one or two vectors).
template <class Body>
void for_four_scales(K& k, Body body) {
  for (u32 at = 0; at < kUnit; at += k.simd().bytes()) body(at);
}
void load_bytes(K& k, V to, u32 offset) {
  k.simd().load(to, k.packed(offset, 1, 0));
}
void store_bytes(K& k, u32 scale, u32 at, V from) {
  k.simd().store(scratch_bytes(k, scale, 0).cloneAdjusted(at), from);
}

// Q4_K and Q5_K: eight scales and eight minima of six bits in twelve bytes. The first four of each
// are the low bits of bytes 0 to 7; those of the others are nibbles of bytes 8 to 11, their high bits
// the first eight bytes' top two.
void open_q45_k(K& k) {
  constexpr u32 kScales = 64;
  for_four_scales(k, [&](u32 at) {
    Simd& s = k.simd();
    const V a = k.temporary(0), b = k.temporary(1), c = k.temporary(2);
    const Source six = k.splat(0x3f3f3f3f), top = k.splat(0x30303030);
    for (u32 n = 0; n < 2; ++n) {  // scales, minima
      load_bytes(k, a, kScales + n * kUnit + at);
      s.bit_and(b, a, six);
      store_bytes(k, n * 8, at, b);
      s.shift_right16(a, a, 2);
      s.bit_and(a, a, top);
      load_bytes(k, c, kScales + 2 * kUnit + at);
      if (n == 1) s.shift_right16(c, c, 4);
      s.bit_and(c, c, k.constant(kNibble));
      s.bit_or(a, a, c);
      store_bytes(k, n * 8 + 4, at, a);
    }
  });
}
void byte_scale(K& k, u32 n, bool is_signed, u32 half_offset, u32 row_part, V to) {
  Simd& s = k.simd();
  s.widen_bytes(to, scratch_bytes(k, n, row_part), is_signed);
  s.to_float(to, to);
  s.multiply(to, to, k.block_halves(half_offset, row_part, k.temporary(2)));
}
void scale_q45_k(K& k, u32 section, u32, u32 row_part, V to) {
  byte_scale(k, section, false, 0, row_part, to);
}
void minimum_q45_k(K& k, u32 section, u32 row_part, V to) {
  byte_scale(k, 8 + section, false, 32, row_part, to);
}
void set_up_q4_k(K& k) {
  set_up_nibbles(k);
  k.load_constant(kOther, 0xf0f0f0f0);
}
bool is_high_q4_k(u32 section) { return section % 2 != 0; }
void weights_q4_k(K& k, u32 section, u32 pair, u32 row_part, V first, V second) {
  constexpr u32 kQuants = 256;
  const V to[] = {first, second};
  for (u32 n = 0; n < 2; ++n) {
    const u32 offset = kQuants + (section / 2 * 8 + pair * 2 + n) * kUnit;
    if (k.is_times_16(section))
      k.simd().bit_and(to[n], k.unit(offset, row_part, to[n]), k.constant(kOther));
    else
      one_nibble(k, offset, is_high_q4_k(section), row_part, to[n]);
  }
}
void set_up_q5_k(K& k) {
  set_up_nibbles(k);
  k.load_constant(kOther, 0x10101010);
}
void weights_q5_k(K& k, u32 section, u32 pair, u32 row_part, V first, V second) {
  constexpr u32 kBits = 256, kQuants = 768;
  const V to[] = {first, second};
  const int left = 4 - static_cast<int>(section);
  for (u32 n = 0; n < 2; ++n) {
    const u32 unit = pair * 2 + n;
    one_nibble(k, kQuants + (section / 2 * 8 + unit) * kUnit, section % 2 != 0, row_part, to[n]);
    add_bits(k, kBits + unit * kUnit, left, k.constant(kOther), row_part, to[n]);
  }
}

void set_up_q6_k(K& k) {
  set_up_nibbles(k);
  k.load_constant(kOther, 0x30303030);
}
void weights_q6_k(K& k, u32 section, u32 pair, u32 row_part, V first, V second) {
  constexpr u32 kTriples = 288, kTriple = 3 * kUnit;  // upper bits, and lower ones for two sections each
  const V to[] = {first, second};
  const u32 half = section / 4, quarter = section % 4;
  const int left = 4 - 2 * static_cast<int>(quarter);
  for (u32 n = 0; n < 2; ++n) {
    const u32 upper = kTriples + (half * 8 + pair * 2 + n) * kTriple;
    one_nibble(k, upper + (1 + quarter % 2) * kUnit, quarter >= 2, row_part, to[n]);
    add_bits(k, upper, left, k.constant(kOther), row_part, to[n]);
  }
}
constexpr u32 kScaleQ6K = 0;
void scale_q6_k(K& k, u32 section, u32 part, u32 row_part, V to) {
  constexpr u32 kScales = 32;
  Simd& s = k.simd();
  s.widen_bytes(to, k.packed(kScales + (section * 2 + part) * kRows, 1, row_part), true);
  s.to_float(to, to);
  s.multiply(to, to, k.block_halves(kScaleQ6K, row_part, k.temporary(2)));
}

// Sixteen scales of six bits, less 32: low nibbles in bytes 0 to 7, the top two bits in 8 to 11.
void open_q3_k(K& k) {
  constexpr u32 kScales = 1536;
  for_four_scales(k, [&](u32 at) {
    Simd& s = k.simd();
    const V a = k.temporary(0), b = k.temporary(1);
    const Source top = k.splat(0x30303030), less = k.splat(0xe0e0e0e0);
    for (u32 four = 0; four < 4; ++four) {
      load_bytes(k, a, kScales + four % 2 * kUnit + at);
      if (four >= 2) s.shift_right16(a, a, 4);
      s.bit_and(a, a, k.constant(kNibble));
      load_bytes(k, b, kScales + 2 * kUnit + at);
      s.shift16(b, b, 4 - 2 * static_cast<int>(four));
      s.bit_and(b, b, top);
      s.bit_or(a, a, b);
      s.add8(a, a, less);
      store_bytes(k, four * 4, at, a);
    }
  });
}
constexpr u32 kScaleQ3K = 1728;
void scale_q3_k(K& k, u32 section, u32 part, u32 row_part, V to) {
  byte_scale(k, section * 2 + part, true, kScaleQ3K, row_part, to);
}
void set_up_q3_k(K& k) {
  set_up_nibbles(k);
  k.load_constant(kOther, 0x03030303);
}
// Two bits of a unit.
void two_bits(K& k, u32 offset, u32 from, u32 row_part, V to) {
  Simd& s = k.simd();
  V raw = k.unit(offset, row_part, to);
  if (from != 0) {
    s.shift_right16(to, raw, from);
    raw = to;
  }
  s.bit_and(to, raw, k.constant(kOther));
}
void weights_q3_k(K& k, u32 section, u32 pair, u32 row_part, V first, V second) {
  constexpr u32 kQuants = 512;
  const V to[] = {first, second};
  const int left = 2 - static_cast<int>(section);
  for (u32 n = 0; n < 2; ++n) {
    const u32 unit = pair * 2 + n;
    two_bits(k, kQuants + (section / 4 * 8 + unit) * kUnit, section % 4 * 2, row_part, to[n]);
    add_bits(k, unit * kUnit, left, k.splat(0x04040404), row_part, to[n]);
  }
}

void open_q2_k(K& k) {
  constexpr u32 kMinimumScale = 1312;
  for (u32 p = 0; p < k.row_parts(); ++p) {
    const u32 row_part = k.first_row_part() + p;
    k.simd().halves_to_float(k.temporary(0), k.packed(kMinimumScale, 2, row_part));
    k.simd().store(k.scratch(kCommonMinimum, row_part), k.temporary(0));
  }
}
constexpr u32 kScaleQ2K = 1280;
void scale_q2_k(K& k, u32 section, u32 part, u32 row_part, V to) {
  Simd& s = k.simd();
  s.widen_bytes(to, k.packed((section * 2 + part) * kRows, 1, row_part), false);
  s.bit_and(to, to, k.constant(kNibble));
  s.to_float(to, to);
  s.multiply(to, to, k.block_halves(kScaleQ2K, row_part, k.temporary(2)));
}
void minimum_q2_k(K& k, u32 section, u32 row_part, V to) {
  Simd& s = k.simd();
  const V second = k.temporary(2);
  s.widen_bytes(to, k.packed(section * 2 * kRows, 1, row_part), false);
  s.widen_bytes(second, k.packed((section * 2 + 1) * kRows, 1, row_part), false);
  s.shift_left32(second, second, 16);
  s.bit_or(to, to, second);
  s.shift_right16(to, to, 4);
}
void weights_q2_k(K& k, u32 section, u32 pair, u32 row_part, V first, V second) {
  constexpr u32 kQuants = 256;
  const u32 unit = section / 4 * 8 + pair * 2, from = section % 4 * 2;
  two_bits(k, kQuants + unit * kUnit, from, row_part, first);
  two_bits(k, kQuants + (unit + 1) * kUnit, from, row_part, second);
}

void weights_iq4_xs(K& k, u32 section, u32 pair, u32 row_part, V first, V second) {
  constexpr u32 kQuants = 128;
  weights_iq4(k, kQuants + (section * 4 + pair) * kUnit, row_part, first, second);
}
// Eight scales of six bits, less 32: low nibbles in four bytes, top bits in 16 bits before them.
void scale_iq4_xs(K& k, u32 section, u32, u32 row_part, V to) {
  constexpr u32 kTop = 32, kLow = 64;
  Simd& s = k.simd();
  const V top = k.temporary(2);
  s.widen_bytes(to, k.packed(kLow + section / 2 * kRows, 1, row_part), false);
  if (section % 2 != 0) s.shift_right32(to, to, 4);
  s.bit_and(to, to, k.constant(kNibble));
  s.widen_words(top, k.packed(kTop, 2, row_part));
  s.shift16(top, top, 4 - 2 * static_cast<int>(section));
  s.bit_and(top, top, k.splat(0x30));
  s.bit_or(to, to, top);
  s.add32(to, to, k.splat(0u - 32));
  s.to_float(to, to);
  s.multiply(to, to, k.block_halves(0, row_part, top));
}

// name, elements, bytes, largest, offset, columns of a part, nibbles apart, minimum, scratch, group,
// halves; then set_up, open_block, weights, scale, minimum, times_16
constexpr u32 kNone = kNoHalves;
constexpr MatmulFormat kFormats[] = {
    {"matmul_q4_0", 32, 18, 15, 8, 32, true, F::None, 0, 1, {kNone},
     set_up_nibbles, nullptr, weights_q4<32>, half_scale<0>, nullptr, nullptr},
    {"matmul_q4_1", 32, 20, 15, 0, 32, true, F::Added, 0, 1, {kNone},
     set_up_nibbles, nullptr, weights_q4<64>, half_scale<0>, half_minimum<32>, nullptr},
    {"matmul_q5_0", 32, 22, 31, 16, 32, true, F::None, 0, 1, {kNone},
     set_up_nibbles, nullptr, weights_q5<32, 96>, half_scale<0>, nullptr, nullptr},
    {"matmul_q5_1", 32, 24, 31, 0, 32, true, F::Added, 0, 1, {kNone},
     set_up_nibbles, nullptr, weights_q5<64, 128>, half_scale<0>, half_minimum<32>, nullptr},
    {"matmul_q8_0", 32, 34, 0, 128, 32, false, F::None, 0, 1, {kNone},
     set_up_q8_0, nullptr, weights_q8_0, half_scale<0>, nullptr, nullptr},
    {"matmul_iq4_nl", 32, 18, 0, 128, 32, true, F::None, 0, 1, {kNone},
     set_up_iq4, nullptr, weights_iq4_nl, half_scale<0>, nullptr, nullptr},
    {"matmul_q2_k", 256, 84, 3, 0, 16, false, F::SubtractedByPart, 1, 4, {kScaleQ2K, kNone},
     set_up_q3_k, open_q2_k, weights_q2_k, scale_q2_k, minimum_q2_k, nullptr},
    {"matmul_q3_k", 256, 110, 7, 4, 16, false, F::None, 5, 4, {kScaleQ3K, kNone},
     set_up_q3_k, open_q3_k, weights_q3_k, scale_q3_k, nullptr, nullptr},
    {"matmul_q4_k", 256, 144, 15, 0, 32, false, F::Subtracted, 5, 4, {0, 32},
     set_up_q4_k, open_q45_k, weights_q4_k, scale_q45_k, minimum_q45_k, is_high_q4_k},
    {"matmul_q5_k", 256, 176, 31, 0, 32, false, F::Subtracted, 5, 1, {0, 32},
     set_up_q5_k, open_q45_k, weights_q5_k, scale_q45_k, minimum_q45_k, nullptr},
    {"matmul_q6_k", 256, 210, 63, 32, 16, false, F::None, 0, 4, {kScaleQ6K, kNone},
     set_up_q6_k, nullptr, weights_q6_k, scale_q6_k, nullptr, nullptr},
    {"matmul_iq4_xs", 256, 136, 0, 128, 32, true, F::None, 0, 1, {0, kNone},
     set_up_iq4, nullptr, weights_iq4_xs, scale_iq4_xs, nullptr, nullptr},
};

}  // namespace

std::span<const MatmulFormat> matmul_formats() { return kFormats; }

}  // namespace bf::microjit::emit
