// Vectors for hand-written emitters: one vocabulary for the instruction sets that they are written
// for. A kernel says what it wants; whether that is one EVEX instruction or three VEX ones is decided
// here.
//
//   Simd s(isa, code);
//   s.load(v0, s.at(rsi, 32));
//   s.dot(acc, weights, x86::dword_ptr(rdx));     // u8 weights * i8 activations, four per lane
//
// A lane is 32 bits wide; lanes() of them make a vector.
#pragma once

#include <asmjit/x86.h>

#include "runtime/platform.h"

namespace bf::microjit::emit {

namespace x86 = asmjit::x86;

// The instruction sets that there are emitters for, lowest first; one row each: name as options and
// logs have it, bytes of a vector.
#define BF_EMIT_SETS(row)                                                  \
  row(Avx2, "avx2", 32)             /* AVX2, FMA, F16C */                  \
  row(AvxVnni, "avxvnni", 32)       /* and vpdpbusd of 32 bytes */         \
  row(Avx512, "avx512", 64)         /* F, BW, DQ, VL */                    \
  row(Avx512Vnni, "avx512vnni", 64) /* and vpdpbusd of 64 bytes */

enum class Set : u8 {
  None,  // the general tiers do it
#define BF_EMIT_SET(name, text, bytes) name,
  BF_EMIT_SETS(BF_EMIT_SET)
#undef BF_EMIT_SET
};

// The best set that the features allow.
Set best_set(const platform::CpuFeatures& features);
const char* set_name(Set set);
constexpr bool is_512(Set set) { return set >= Set::Avx512; }
constexpr bool has_dot(Set set) { return set == Set::AvxVnni || set == Set::Avx512Vnni; }

// A vector register by number.
struct V {
  u32 n;
};

// A register, or a vector in memory.
struct Source {
  Source(V v) : v(v) {}                                  // NOLINT(google-explicit-constructor)
  Source(const x86::Mem& m) : in_memory(true), m(m) {}  // NOLINT(google-explicit-constructor)
  bool in_memory = false;
  V v{0};
  x86::Mem m;
};

class Simd {
 public:
  Simd(Set set, asmjit::CodeHolder& code) : set_(set), a_(&code) {}

  x86::Assembler& gp() { return a_; }
  Set set() const { return set_; }
  u32 bytes() const { return is_512(set_) ? 64 : 32; }
  u32 lanes() const { return bytes() / 4; }
  u32 registers() const { return is_512(set_) ? 32 : 16; }
  // vpdpbusd of 32 bytes as AVX512-VNNI has it: the same operation, where there is no AVX-VNNI.
  void use_evex_dot() { evex_dot_ = true; }

  // ---- moves ----
  void load(V to, const x86::Mem& from);
  void store(const x86::Mem& to, V from);
  // The lanes that have their highest bit set in `chosen`, the others zero; or are left alone.
  void load_some(V to, const x86::Mem& from, V chosen);
  void store_some(const x86::Mem& to, V from, V chosen);
  void move(V to, V from);
  void zero(V to);
  void broadcast(V to, const x86::Mem& from);         // 32 bits to all lanes
  void broadcast_bytes16(V to, const x86::Mem& from);  // 16 bytes to all 16-byte pieces

  // ---- integers ----
  void bit_and(V to, V a, Source b);
  void bit_or(V to, V a, Source b);
  void bit_xor(V to, V a, Source b);
  // to |= bits & mask. May change `bits`.
  void or_masked(V to, V bits, Source mask);
  void shift_right16(V to, V a, u32 bits);  // 16-bit pieces, unsigned
  void shift_left16(V to, V a, u32 bits);
  // By so many bits to the left, or to the right where that is below zero.
  void shift16(V to, V a, int left);
  void shift_right32(V to, V a, u32 bits);
  void shift_left32(V to, V a, u32 bits);
  void shift_right32_signed(V to, V a, u32 bits);
  void add8(V to, V a, Source b);
  void add16(V to, V a, Source b);
  void add32(V to, V a, Source b);
  void shuffle_bytes(V to, V table, Source indices);     // within 16 bytes
  void shuffle_lanes(V to, Source a, u32 order);         // as vpshufd: within four lanes
  void permute_lanes(V to, V indices, Source from);
  void splat_piece(V to, V from, u32 piece);             // 16 bytes to all 16-byte pieces
  void multiply_add_pairs(V to, V a, Source b);          // i16 * i16, neighbours summed
  void multiply_add_bytes(V to, V a, Source b);          // u8 * i8, neighbours summed to i16, saturated
  void absolute_bytes(V to, V a);
  void widen_bytes(V to, const x86::Mem& from, bool is_signed);  // lanes() bytes to i32
  void widen_words(V to, const x86::Mem& from);                  // lanes() u16 to i32
  // acc += sums of four products u8 * i8 per lane, the same four i8 for all lanes: where has_dot(set).
  void dot_word(V acc, V weights, const x86::Mem& from, V scratch);
  // The bytes of `a`, negated where those of `signs` are negative. With 64 bytes, `mask` must hold
  // note_signs(signs).
  void take_signs(V to, V a, V signs, V zeroes, u32 mask);
  void note_signs(u32 mask, V of);
  // to += value in bytes where source has the bit that `bits` has there. (One bit in each of its bytes.)
  void add8_where(V to, V source, Source bits, Source value, V scratch);

  // ---- floats ----
  void to_float(V to, V from);
  void halves_to_float(V to, const x86::Mem& from);
  void broadcast_half(V to, const x86::Mem& from);  // as a float, to all lanes
  void multiply(V to, V a, Source b);
  void add(V to, V a, Source b);
  void subtract(V to, V a, Source b);
  // a > b ? a : b, and a < b ? a : b.
  void maximum(V to, V a, Source b);
  void minimum(V to, V a, Source b);
  void divide(V to, V a, Source b);
  void broadcast_lowest(V v);  // the lowest lane to all
  // to = value where a < b.
  void choose_where_less(V to, V a, V b, Source value, V scratch);
  // to = 0 where all bits of `of` are.
  void clear_where_zero(V to, V of, V scratch);
  // With a 32-bit word of memory in all lanes; `scratch` is used where there is no such operand.
  void multiply_word(V to, V a, const x86::Mem& word, V scratch);

  asmjit::Operand reg(V v) const;
  asmjit::Operand half(V v) const;

 private:
  using Id = asmjit::InstId;
  // Out of line: there are many operations.
  [[gnu::noinline]] void op(Id id, V to, V a, const Source& b);
  void op(Id vex, Id evex, V to, V a, const Source& b) { op(is_512(set_) ? evex : vex, to, a, b); }
  [[gnu::noinline]] void shift(Id id, V to, V a, u32 bits);
  asmjit::Operand operand(const Source& b) const;
  static x86::Mem sized(const x86::Mem& m, u32 bytes);
  x86::Mem word(const x86::Mem& m) const;

  Set set_;
  bool evex_dot_ = false;
  x86::Assembler a_;
};

}  // namespace bf::microjit::emit
