#include "microjit/emit/simd.h"

namespace bf::microjit::emit {

namespace {

struct SetFacts {
  const char* name;
  u32 bytes;
};
constexpr SetFacts kSets[] = {
    {"none", 0},
#define BF_EMIT_SET(name, text, bytes) {text, bytes},
    BF_EMIT_SETS(BF_EMIT_SET)
#undef BF_EMIT_SET
};

namespace Inst = x86::Inst;

}  // namespace

Set best_set(const platform::CpuFeatures& f) {
  if (!f.avx2 || !f.fma || !f.f16c) return Set::None;
  const bool wide = f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl;
  if (wide && f.avx512vnni) return Set::Avx512Vnni;
  if (wide) return Set::Avx512;
  return f.avxvnni ? Set::AvxVnni : Set::Avx2;
}

const char* set_name(Set set) {
  return kSets[static_cast<u8>(set)].name;
}

asmjit::Operand Simd::reg(V v) const {
  return is_512(set_) ? asmjit::Operand(x86::zmm(v.n)) : asmjit::Operand(x86::ymm(v.n));
}
asmjit::Operand Simd::half(V v) const {
  return is_512(set_) ? asmjit::Operand(x86::ymm(v.n)) : asmjit::Operand(x86::xmm(v.n));
}
asmjit::Operand Simd::operand(const Source& b) const {
  return b.in_memory ? asmjit::Operand(sized(b.m, bytes())) : reg(b.v);
}
x86::Mem Simd::sized(const x86::Mem& m, u32 bytes) {
  x86::Mem out = m;
  out.setSize(bytes);
  return out;
}

void Simd::op(Id id, V to, V a, const Source& b) { a_.emit(id, reg(to), reg(a), operand(b)); }
void Simd::shift(Id id, V to, V a, u32 bits) { a_.emit(id, reg(to), reg(a), asmjit::Imm(bits)); }

x86::Mem Simd::word(const x86::Mem& m) const {
  x86::Mem out = sized(m, 4);
  out.setBroadcast(x86::Mem::Broadcast::k1To16);
  return out;
}

// ---- moves ----

void Simd::load(V to, const x86::Mem& from) {
  a_.emit(is_512(set_) ? Inst::kIdVmovdqu32 : Inst::kIdVmovdqu, reg(to), sized(from, bytes()));
}
void Simd::store(const x86::Mem& to, V from) {
  a_.emit(is_512(set_) ? Inst::kIdVmovdqu32 : Inst::kIdVmovdqu, sized(to, bytes()), reg(from));
}
void Simd::load_some(V to, const x86::Mem& from, V chosen) {
  if (is_512(set_)) {
    a_.vpmovd2m(x86::k1, x86::zmm(chosen.n));
    a_.k(x86::k1).z().emit(Inst::kIdVmovdqu32, reg(to), sized(from, bytes()));
  } else {
    a_.emit(Inst::kIdVpmaskmovd, reg(to), reg(chosen), sized(from, bytes()));
  }
}
void Simd::store_some(const x86::Mem& to, V from, V chosen) {
  if (is_512(set_)) {
    a_.vpmovd2m(x86::k1, x86::zmm(chosen.n));
    a_.k(x86::k1).emit(Inst::kIdVmovdqu32, sized(to, bytes()), reg(from));
  } else {
    a_.emit(Inst::kIdVpmaskmovd, sized(to, bytes()), reg(chosen), reg(from));
  }
}
void Simd::move(V to, V from) {
  a_.emit(is_512(set_) ? Inst::kIdVmovdqa32 : Inst::kIdVmovdqa, reg(to), reg(from));
}
void Simd::zero(V to) {
  // The short form clears the whole register; only the lower 16 have it.
  if (to.n < 16)
    a_.vpxor(x86::xmm(to.n), x86::xmm(to.n), x86::xmm(to.n));
  else
    a_.vpxord(x86::zmm(to.n), x86::zmm(to.n), x86::zmm(to.n));
}
void Simd::broadcast(V to, const x86::Mem& from) {
  a_.emit(Inst::kIdVpbroadcastd, reg(to), sized(from, 4));
}
void Simd::broadcast_bytes16(V to, const x86::Mem& from) {
  a_.emit(is_512(set_) ? Inst::kIdVbroadcasti32x4 : Inst::kIdVbroadcasti128, reg(to),
          sized(from, 16));
}

// ---- integers ----

void Simd::bit_and(V to, V a, Source b) { op(Inst::kIdVpand, Inst::kIdVpandd, to, a, b); }
void Simd::bit_or(V to, V a, Source b) { op(Inst::kIdVpor, Inst::kIdVpord, to, a, b); }
void Simd::bit_xor(V to, V a, Source b) { op(Inst::kIdVpxor, Inst::kIdVpxord, to, a, b); }
void Simd::or_masked(V to, V bits, Source mask) {
  if (is_512(set_)) {
    constexpr u32 kAOrBAndC = 0xf8;
    a_.emit(Inst::kIdVpternlogd, reg(to), reg(bits), operand(mask), asmjit::Imm(kAOrBAndC));
    return;
  }
  bit_and(bits, bits, mask);
  bit_or(to, to, bits);
}
void Simd::shift_right16(V to, V a, u32 bits) { shift(Inst::kIdVpsrlw, to, a, bits); }
void Simd::shift_left16(V to, V a, u32 bits) { shift(Inst::kIdVpsllw, to, a, bits); }
void Simd::shift16(V to, V a, int left) {
  if (left > 0)
    shift_left16(to, a, static_cast<u32>(left));
  else if (left < 0)
    shift_right16(to, a, static_cast<u32>(-left));
  else if (to.n != a.n)
    move(to, a);
}
void Simd::shift_right32(V to, V a, u32 bits) { shift(Inst::kIdVpsrld, to, a, bits); }
void Simd::shift_left32(V to, V a, u32 bits) { shift(Inst::kIdVpslld, to, a, bits); }
void Simd::shift_right32_signed(V to, V a, u32 bits) { shift(Inst::kIdVpsrad, to, a, bits); }
void Simd::add8(V to, V a, Source b) { op(Inst::kIdVpaddb, to, a, b); }
void Simd::add16(V to, V a, Source b) { op(Inst::kIdVpaddw, to, a, b); }
void Simd::add32(V to, V a, Source b) { op(Inst::kIdVpaddd, to, a, b); }
void Simd::shuffle_bytes(V to, V table, Source indices) {
  op(Inst::kIdVpshufb, to, table, indices);
}
void Simd::shuffle_lanes(V to, Source a, u32 order) {
  a_.emit(Inst::kIdVpshufd, reg(to), operand(a), asmjit::Imm(order));
}
void Simd::permute_lanes(V to, V indices, Source from) {
  op(Inst::kIdVpermd, to, indices, from);
}
void Simd::splat_piece(V to, V from, u32 piece) {
  if (is_512(set_))
    a_.vshuff32x4(x86::zmm(to.n), x86::zmm(from.n), x86::zmm(from.n), piece * 0x55);
  else
    a_.vperm2f128(x86::ymm(to.n), x86::ymm(from.n), x86::ymm(from.n), piece * 0x11);
}
void Simd::multiply_add_pairs(V to, V a, Source b) { op(Inst::kIdVpmaddwd, to, a, b); }
void Simd::multiply_add_bytes(V to, V a, Source b) { op(Inst::kIdVpmaddubsw, to, a, b); }
void Simd::absolute_bytes(V to, V a) { a_.emit(Inst::kIdVpabsb, reg(to), reg(a)); }
void Simd::widen_bytes(V to, const x86::Mem& from, bool is_signed) {
  a_.emit(is_signed ? Inst::kIdVpmovsxbd : Inst::kIdVpmovzxbd, reg(to), sized(from, lanes()));
}

void Simd::widen_words(V to, const x86::Mem& from) {
  a_.emit(Inst::kIdVpmovzxwd, reg(to), sized(from, bytes() / 2));
}

void Simd::add8_where(V to, V source, Source bits, Source value, V scratch) {
  if (is_512(set_)) {
    a_.emit(Inst::kIdVptestmb, x86::k1, reg(source), operand(bits));
    a_.k(x86::k1).emit(Inst::kIdVpaddb, reg(to), reg(to), operand(value));
    return;
  }
  bit_and(scratch, source, bits);
  op(Inst::kIdVpcmpeqb, scratch, scratch, bits);
  bit_and(scratch, scratch, value);
  add8(to, to, scratch);
}

void Simd::dot_word(V acc, V weights, const x86::Mem& from, V scratch) {
  if (is_512(set_)) {
    a_.emit(Inst::kIdVpdpbusd, reg(acc), reg(weights), word(from));
    return;
  }
  broadcast(scratch, from);
  if (evex_dot_)
    a_.evex();
  else
    a_.vex();
  a_.emit(Inst::kIdVpdpbusd, reg(acc), reg(weights), reg(scratch));
}

void Simd::take_signs(V to, V a, V signs, V zeroes, u32 mask) {
  if (!is_512(set_)) {
    a_.emit(Inst::kIdVpsignb, reg(to), reg(a), reg(signs));
    return;
  }
  if (to.n != a.n) move(to, a);
  a_.k(x86::k(mask)).emit(Inst::kIdVpsubb, reg(to), reg(zeroes), reg(a));
}
void Simd::note_signs(u32 mask, V of) {
  if (is_512(set_)) a_.vpmovb2m(x86::k(mask), x86::zmm(of.n));
}

// ---- floats ----

void Simd::to_float(V to, V from) { a_.emit(Inst::kIdVcvtdq2ps, reg(to), reg(from)); }
void Simd::halves_to_float(V to, const x86::Mem& from) {
  a_.emit(Inst::kIdVcvtph2ps, reg(to), sized(from, bytes() / 2));
}
void Simd::broadcast_half(V to, const x86::Mem& from) {
  a_.emit(Inst::kIdVpbroadcastw, half(to), sized(from, 2));
  a_.emit(Inst::kIdVcvtph2ps, reg(to), half(to));
}
void Simd::multiply(V to, V a, Source b) { op(Inst::kIdVmulps, to, a, b); }
void Simd::add(V to, V a, Source b) { op(Inst::kIdVaddps, to, a, b); }
void Simd::subtract(V to, V a, Source b) { op(Inst::kIdVsubps, to, a, b); }
void Simd::maximum(V to, V a, Source b) { op(Inst::kIdVmaxps, to, a, b); }
void Simd::minimum(V to, V a, Source b) { op(Inst::kIdVminps, to, a, b); }
void Simd::divide(V to, V a, Source b) { op(Inst::kIdVdivps, to, a, b); }
void Simd::broadcast_lowest(V v) { a_.emit(Inst::kIdVbroadcastss, reg(v), x86::xmm(v.n)); }

void Simd::choose_where_less(V to, V a, V b, Source value, V scratch) {
  constexpr u32 kLess = 17;  // ordered, no exceptions
  if (is_512(set_)) {
    a_.vcmpps(x86::k1, x86::zmm(a.n), x86::zmm(b.n), kLess);
    a_.k(x86::k1).emit(Inst::kIdVmovaps, reg(to), operand(value));
    return;
  }
  a_.vcmpps(x86::ymm(scratch.n), x86::ymm(a.n), x86::ymm(b.n), kLess);
  a_.emit(Inst::kIdVblendvps, reg(to), reg(to), operand(value), reg(scratch));
}

void Simd::clear_where_zero(V to, V of, V scratch) {
  if (is_512(set_)) {
    a_.vptestmd(x86::k1, x86::zmm(of.n), x86::zmm(of.n));
    a_.k(x86::k1).z().vmovaps(x86::zmm(to.n), x86::zmm(to.n));
    return;
  }
  zero(scratch);
  a_.vpcmpeqd(x86::ymm(scratch.n), x86::ymm(scratch.n), x86::ymm(of.n));
  a_.vpandn(x86::ymm(to.n), x86::ymm(scratch.n), x86::ymm(to.n));
}

void Simd::multiply_word(V to, V a, const x86::Mem& m, V scratch) {
  if (is_512(set_)) {
    a_.emit(Inst::kIdVmulps, reg(to), reg(a), word(m));
    return;
  }
  broadcast(scratch, m);
  a_.emit(Inst::kIdVmulps, reg(to), reg(a), reg(scratch));
}

}  // namespace bf::microjit::emit
