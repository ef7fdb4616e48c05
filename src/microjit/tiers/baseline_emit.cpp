// Small things that every emitter uses.
#include <cstring>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

Operand sized(const Operand& o, u32 bytes) {
  if (o.isMem()) {
    x86::Mem m = o.as<x86::Mem>();
    m.setSize(bytes);
    return m;
  }
  if (!o.isReg()) return o;
  const RegId r = id_of(o);
  if (r < kFirstVec) return gp(r, bytes);
  return vec(r, bytes);
}

x86::Mem further(const x86::Mem& m, i64 bytes) {
  return m.cloneAdjusted(bytes);
}

void Compiler::move_gp(RegId to, const Operand& from, u32 bytes) {
  if (from.isReg() && id_of(from) == to) return;
  if (from.isImm()) {
    const i64 value = from.as<Imm>().value();
    if (bytes < 8)
      a_.mov(gp32(to), Imm(value & 0xffffffff));
    else if (value >= 0)
      a_.mov(gp32(to), Imm(value));
    else
      a_.mov(gp64(to), Imm(value));
    return;
  }
  const u32 width = bytes == 8 ? 8 : 4;
  emit(Inst::kIdMov, gp(to, width), sized(from, width));
}

void Compiler::move_vec(RegId to, const Operand& from, u32 bytes) {
  if (from.isMem()) return load_vec(to, from.as<x86::Mem>(), bytes);
  const RegId r = id_of(from);
  if (r == to) return;
  const u32 width = bytes < 16 ? 16 : bytes;
  emit(vex() ? Inst::kIdVmovaps : Inst::kIdMovaps, vec(to, width), vec(r, width));
}

void Compiler::load_vec(RegId to, const x86::Mem& from, u32 bytes) {
  const Operand m = sized(from, bytes);
  switch (bytes) {
    case 1:
      a_.emit(Inst::kIdMovzx, x86::r11d, m);
      return emit(vex() ? Inst::kIdVmovd : Inst::kIdMovd, vec(to), x86::r11d);
    case 2:
      a_.emit(Inst::kIdMovzx, x86::r11d, m);
      return emit(vex() ? Inst::kIdVmovd : Inst::kIdMovd, vec(to), x86::r11d);
    case 4:
      return emit(vex() ? Inst::kIdVmovss : Inst::kIdMovss, vec(to), m);
    case 8:
      return emit(vex() ? Inst::kIdVmovsd : Inst::kIdMovsd, vec(to), m);
    default:
      return emit(vex() ? Inst::kIdVmovups : Inst::kIdMovups, vec(to, bytes), m);
  }
}

void Compiler::store_vec(const x86::Mem& to, RegId from, u32 bytes) {
  const Operand m = sized(to, bytes);
  switch (bytes) {
    case 1:
    case 2:
      emit(vex() ? Inst::kIdVmovd : Inst::kIdMovd, x86::r11d, vec(from));
      return emit(Inst::kIdMov, m, gp(kScratchGp, bytes));
    case 4:
      return emit(vex() ? Inst::kIdVmovss : Inst::kIdMovss, m, vec(from));
    case 8:
      return emit(vex() ? Inst::kIdVmovsd : Inst::kIdMovsd, m, vec(from));
    default:
      return emit(vex() ? Inst::kIdVmovups : Inst::kIdMovups, m, vec(from, bytes));
  }
}

void Compiler::zero_vec(RegId r, u32) {
  // The 16-byte form clears the whole register with VEX and EVEX.
  if (vex())
    a_.emit(Inst::kIdVxorps, vec(r), vec(r), vec(r));
  else
    emit(Inst::kIdXorps, vec(r), vec(r));
}

void Compiler::extend(RegId to, const Operand& from, u32 from_bits, u32 to_bits, bool is_signed) {
  if (from.isImm()) {
    const u32 above = 64 - from_bits;
    const u64 bits = static_cast<u64>(from.as<Imm>().value()) << above;
    const i64 value = is_signed ? static_cast<i64>(bits) >> above : static_cast<i64>(bits >> above);
    if (value >= 0 && value <= 0xffffffff)
      a_.mov(gp32(to), Imm(value));
    else
      a_.mov(gp64(to), Imm(value));
    return;
  }
  const u32 width = to_bits == 64 ? 8 : 4;
  switch (from_bits) {
    case 1:
    case 8:
    case 16: {
      const Operand source = sized(from, from_bits == 16 ? 2 : 1);
      if (is_signed && from_bits != 1) return emit(Inst::kIdMovsx, gp(to, width), source);
      emit(Inst::kIdMovzx, gp32(to), source);
      if (is_signed) emit(Inst::kIdNeg, gp(to, width));  // i1
      return;
    }
    case 32:
      if (is_signed && width == 8) return emit(Inst::kIdMovsxd, gp64(to), sized(from, 4));
      return emit(Inst::kIdMov, gp32(to), sized(from, 4));  // also clears the upper half
    default:
      return move_gp(to, from, 8);
  }
}

void Compiler::vec_op(InstId sse, InstId vex_id, RegId to, RegId a, const Operand& b, u32 bytes) {
  if (vex()) {
    a_.emit(vex_id, vec(to, bytes), vec(a, bytes), b);
    return;
  }
  if (to == a) return emit(sse, vec(to), b);
  if (b.isReg() && id_of(b) == to) {
    move_vec(kScratchVec, b, 16);
    move_vec(to, vec(a), 16);
    return emit(sse, vec(to), vec(kScratchVec));
  }
  move_vec(to, vec(a), 16);
  emit(sse, vec(to), b);
}

void Compiler::vec_op(InstId sse, InstId vex_id, RegId to, RegId a, const Operand& b, u32 bytes,
                      u32 imm) {
  if (vex()) {
    a_.emit(vex_id, vec(to, bytes), vec(a, bytes), b, Imm(imm));
    return;
  }
  if (to != a && b.isReg() && id_of(b) == to) {
    move_vec(kScratchVec, b, 16);
    move_vec(to, vec(a), 16);
    a_.emit(sse, vec(to), vec(kScratchVec), Imm(imm));
    return;
  }
  move_vec(to, vec(a), 16);
  a_.emit(sse, vec(to), b, Imm(imm));
}

void Compiler::vec_unary(InstId sse, InstId vex_id, RegId to, const Operand& a, u32 bytes) {
  emit(vex() ? vex_id : sse, vec(to, bytes), a);
}

x86::Mem Compiler::constant(const void* bytes, u32 size) {
  // Linear, but only over constants of the same size class near the end: pools are small.
  usize at = constants_.size();
  constexpr usize kSearched = 512;
  const usize first = at > kSearched ? (at - kSearched) / size * size : 0;
  for (usize k = first; k + size <= constants_.size(); k += size)
    if (std::memcmp(constants_.data() + k, bytes, size) == 0) {
      at = k;
      break;
    }
  if (at == constants_.size()) {
    at = align_up(at, usize{size});
    constants_.resize(at + size);
    std::memcpy(constants_.data() + at, bytes, size);
  }
  return x86::ptr(constants_label_, static_cast<i32>(at), size);
}

x86::Mem Compiler::splat_constant(u64 element, u32 element_bytes, u32 size) {
  u8 bytes[ir::kMaxVectorBytes];
  for (u32 k = 0; k < size; ++k) bytes[k] = static_cast<u8>(element >> (k % element_bytes * 8));
  return constant(bytes, size);
}

void Compiler::reloc(RegId to, RelocKind kind, u32 index, i64 addend) {
  // mov r64, imm64, always in full
  const u8 mov[10] = {static_cast<u8>(0x48 | (to >> 3)), static_cast<u8>(0xb8 | (to & 7))};
  out_.relocations.push_back({static_cast<u32>(a_.offset()) + 2, kind, index, addend});
  a_.embed(mov, sizeof mov);
}

// Arguments are in place, what has to survive is saved.
void Compiler::call_helper(Helper helper) {
  if (analysis_.wide_vectors) a_.vzeroupper();
  reloc(kRax, RelocKind::Helper, static_cast<u32>(helper));
  a_.call(x86::rax);
}

}  // namespace bf::microjit::baseline
