// Vector lanes made wider and narrower, spread, taken out and put in.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Kind;
using ir::Op;
using ir::ValueId;

// ---- Width --------------------------------------------------------------------------------------

// A register that has the value's bytes from `offset` on at its lower end, 16 of them at most
// unless the offset is that of a part. What is above means nothing.
RegId Compiler::bytes_at(ValueId v, u32 offset) {
  const u32 part_bytes = info(v).part_bytes;
  const RegId whole = fetch(v, offset / part_bytes);
  u32 inner = offset % part_bytes;
  if (inner == 0) return whole;
  const RegId t = allocate_vec();
  RegId from = whole;
  if (inner >= 16) {
    if (isa_ == Isa::Avx512)
      a_.emit(Inst::kIdVextracti32x4, vec(t), vec(whole, part_bytes), Imm(inner / 16));
    else
      a_.emit(Inst::kIdVextracti128, vec(t), vec(whole, 32), Imm(1));
    from = t;
    inner %= 16;
  }
  if (inner != 0) {
    if (vex()) {
      a_.emit(Inst::kIdVpsrldq, vec(t), vec(from), Imm(inner));
    } else {
      move_vec(t, vec(from), 16);
      a_.emit(Inst::kIdPsrldq, vec(t), Imm(inner));
    }
  }
  return t;
}

bool Compiler::vector_extend(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const u32 from = type_of(v).element_bits(), to = i.type.element_bits();
  const u32 bytes = info(i.result).part_bytes;
  const bool is_signed = i.op == Op::sext;
  // From 8 to 16, 32, 64; from 16 to 32, 64; from 32 to 64.
  static constexpr InstId kSigned[3][3] = {
      {Inst::kIdVpmovsxbw, Inst::kIdVpmovsxbd, Inst::kIdVpmovsxbq},
      {Inst::kIdNone, Inst::kIdVpmovsxwd, Inst::kIdVpmovsxwq},
      {Inst::kIdNone, Inst::kIdNone, Inst::kIdVpmovsxdq}};
  static constexpr InstId kUnsigned[3][3] = {
      {Inst::kIdVpmovzxbw, Inst::kIdVpmovzxbd, Inst::kIdVpmovzxbq},
      {Inst::kIdNone, Inst::kIdVpmovzxwd, Inst::kIdVpmovzxwq},
      {Inst::kIdNone, Inst::kIdNone, Inst::kIdVpmovzxdq}};
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    const RegId source = bytes_at(v, p * bytes * from / to);
    // What bytes_at moved into a register of its own becomes the result there.
    const bool own = (occupied_ & bit(source)) == 0 && part(i.result, p).fixed == kNoReg &&
                     (pool(Bank::Vec) & bit(source)) != 0;
    const bool one = vex() && info(i.result).part_count == 1;
    const RegId t = own ? source : one ? in_place(i.result) : allocate_vec();
    if (vex()) {
      const u32 source_bytes = std::max(16u, bytes * from / to);
      a_.emit((is_signed ? kSigned : kUnsigned)[log2_bytes(from)][log2_bytes(to) - 1],
              vec(t, bytes), vec(source, source_bytes));
    } else {
      move_vec(t, vec(source), 16);
      for (u32 bits = from; bits < to; bits *= 2) widen_low(bits, t, is_signed);
    }
    bind(i.result, p, t);
  }
  return true;
}

// SSE2: the lower lanes to twice their width, in place.
void Compiler::widen_low(u32 bits, RegId r, bool is_signed) {
  static constexpr InstId kInterleave[] = {Inst::kIdPunpcklbw, Inst::kIdPunpcklwd,
                                           Inst::kIdPunpckldq};
  const InstId interleave = kInterleave[log2_bytes(bits)];
  if (!is_signed) {
    zero_vec(kScratchVec, 16);
    return emit(interleave, vec(r), vec(kScratchVec));
  }
  if (bits == 32) {
    shift_all(Op::ashr, 32, kScratchVec, r, 31, 16);
    return emit(interleave, vec(r), vec(kScratchVec));
  }
  emit(interleave, vec(r), vec(r));
  shift_all(Op::ashr, 2 * bits, r, r, bits, 16);
}

bool Compiler::vector_truncate(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const u32 from = type_of(v).element_bits(), to = i.type.element_bits();
  if (isa_ == Isa::Avx512) {
    static constexpr InstId kNarrow[3][3] = {{Inst::kIdVpmovwb, Inst::kIdVpmovdb, Inst::kIdVpmovqb},
                                             {Inst::kIdNone, Inst::kIdVpmovdw, Inst::kIdVpmovqw},
                                             {Inst::kIdNone, Inst::kIdNone, Inst::kIdVpmovqd}};
    const RegId a = fetch(v), t = in_place(i.result);
    const u32 source_bytes = info(v).part_bytes;
    a_.emit(kNarrow[log2_bytes(to)][log2_bytes(from) - 1],
            vec(t, std::max(16u, source_bytes * to / from)), vec(a, source_bytes));
    bind(i.result, 0, t);
    return true;
  }
  // Halves of width at a time: two registers become one.
  const u32 bytes = info(v).part_bytes;
  const u32 parts = info(v).part_count;
  RegId list[4];
  u32 count = parts;
  for (u32 p = 0; p < parts; ++p) {
    const RegId a = fetch(v, p);
    list[p] = allocate_vec();
    move_vec(list[p], vec(a, bytes), bytes);
    pinned_ = 0;
    for (u32 k = 0; k <= p; ++k) pin(list[k]);
  }
  for (u32 bits = from; bits > to; bits /= 2) {
    const u32 next = std::max(1u, count / 2);
    for (u32 n = 0; n < next; ++n) {
      const RegId a = list[count == 1 ? 0 : 2 * n], b = list[count == 1 ? 0 : 2 * n + 1];
      narrow_pair(bits, a, b, bytes);
      list[n] = a;
      if (b != a) unpin(b);
    }
    count = next;
  }
  for (u32 p = 0; p < count; ++p) bind(i.result, p, list[p]);
  return true;
}

// a = the lower halves of the lanes of a, then of b.
void Compiler::narrow_pair(u32 bits, RegId a, RegId b, u32 bytes) {
  if (bits == 64) {
    vec_op(Inst::kIdShufps, Inst::kIdVshufps, a, a, vec(b, bytes), bytes, 0x88);
  } else {
    for (const RegId r : {a, b}) {
      if (bits == 16) {
        packed(Op::and_, Kind::I16, r, r, splat_constant(0x00ff, 2, bytes), bytes);
      } else {
        shift_all(Op::shl, 32, r, r, 16, bytes);
        shift_all(Op::ashr, 32, r, r, 16, bytes);
      }
      if (a == b) break;
    }
    if (bits == 16)
      vec_op(Inst::kIdPackuswb, Inst::kIdVpackuswb, a, a, vec(b, bytes), bytes);
    else
      vec_op(Inst::kIdPackssdw, Inst::kIdVpackssdw, a, a, vec(b, bytes), bytes);
  }
  // The 32-byte instructions work on each half: quarters 0 2 1 3 are in order.
  if (bytes == 32) a_.emit(Inst::kIdVpermq, vec(a, 32), vec(a, 32), Imm(0xd8));
}

// ---- Lanes --------------------------------------------------------------------------------------

// to = the lowest lane of `from` everywhere.
void Compiler::broadcast(RegId to, RegId from, u32 bits, u32 bytes) {
  static constexpr InstId kBroadcast[] = {Inst::kIdVpbroadcastb, Inst::kIdVpbroadcastw,
                                          Inst::kIdVpbroadcastd, Inst::kIdVpbroadcastq};
  if (vex()) return emit(kBroadcast[log2_bytes(bits)], vec(to, bytes), vec(from));
  move_vec(to, vec(from), 16);
  if (bits == 8) emit(Inst::kIdPunpcklbw, vec(to), vec(to));
  if (bits <= 16) a_.emit(Inst::kIdPshuflw, vec(to), vec(to), Imm(0));
  a_.emit(Inst::kIdPshufd, vec(to), vec(to), Imm(bits == 64 ? 0x44 : 0));
}

void Compiler::bind_everywhere(ValueId result, RegId r) {
  const u32 bytes = info(result).part_bytes, count = info(result).part_count;
  for (u32 p = 1; p < count; ++p) {
    pinned_ = bit(r);
    move_vec(define(result, p), vec(r, bytes), bytes);
  }
  bind(result, 0, r);
}

bool Compiler::vector_splat(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const u32 bits = i.type.element_bits(), bytes = info(i.result).part_bytes;
  RegId t;
  if (info(v).bank == Bank::Gp) {
    const RegId from = fetch(v);
    t = fresh(i.result);
    const bool wide = bits == 64;
    emit(vex() ? (wide ? Inst::kIdVmovq : Inst::kIdVmovd) : (wide ? Inst::kIdMovq : Inst::kIdMovd),
         vec(t), gp(from, wide ? 8 : 4));
    broadcast(t, t, bits, bytes);
  } else {
    const RegId from = fetch(v);
    t = vex() ? in_place(i.result) : fresh(i.result);
    broadcast(t, from, bits, bytes);
  }
  bind_everywhere(i.result, t);
  return true;
}

bool Compiler::vector_extract(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  if (!is_constant(operands[1])) return false;
  const ir::Type from = type_of(operands[0]);
  const u32 n = static_cast<u32>(f_.values[operands[1]].bits) % from.lanes;
  const RegId at = bytes_at(operands[0], n * from.element_bytes());
  if (info(i.result).bank == Bank::Vec) {
    move_vec(define(i.result, 0), vec(at), 16);
    return true;
  }
  const bool wide = from.element_bytes() == 8;
  emit(vex() ? (wide ? Inst::kIdVmovq : Inst::kIdVmovd) : (wide ? Inst::kIdMovq : Inst::kIdMovd),
       gp(define(i.result, 0), wide ? 8 : 4), vec(at));
  return true;
}

// Whether the only one to use a vector of two 64-bit lanes is the instruction, soon after, that puts
// in the upper one.
bool Compiler::upper_lane_follows(const Instruction& i) {
  if (i.type.lanes != 2 || i.type.element_bytes() != 8 || info(i.result).uses != 1) return false;
  constexpr u32 kNear = 8;
  const Instruction* next = &i + 1;
  for (u32 n = 0; n < kNear && ir::op_info(next->op).effects != ir::Effects::Ends; ++n, ++next) {
    const auto operands = f_.operands_of(*next);
    if (next->op != Op::insert || operands[0] != i.result) continue;
    return is_constant(operands[2]) && f_.values[operands[2]].bits % 2 == 1;
  }
  return false;
}

// One lane of 4 or 8 bytes into a vector of 16, by one instruction.
void Compiler::insert_into_16(const Instruction& i, u32 n) {
  const auto operands = f_.operands_of(i);
  const bool wide = i.type.element_bytes() == 8;
  if (info(operands[1]).bank == Bank::Gp) {
    const RegId number = fetch(operands[1]), old = fetch(operands[0]), t = in_place(i.result);
    a_.emit(wide ? Inst::kIdVpinsrq : Inst::kIdVpinsrd, vec(t), vec(old), gp(number, wide ? 8 : 4),
            Imm(n));
    return bind(i.result, 0, t);
  }
  const RegId number = fetch(operands[1]);
  if (n == 0 && upper_lane_follows(i)) {
    const RegId t = in_place(i.result);
    move_vec(t, vec(number), 16);
    return bind(i.result, 0, t);
  }
  const RegId old = fetch(operands[0]), t = in_place(i.result);
  if (wide)
    a_.emit(n == 0 ? Inst::kIdVmovsd : Inst::kIdVunpcklpd, vec(t), vec(old), vec(number));
  else if (n == 0)
    a_.emit(Inst::kIdVmovss, vec(t), vec(old), vec(number));
  else
    a_.emit(Inst::kIdVinsertps, vec(t), vec(old), vec(number), Imm(n << 4));
  bind(i.result, 0, t);
}

// Into vectors of up to 16 bytes, or the first 16 bytes of a part.
bool Compiler::vector_insert(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 size = i.type.element_bytes(), bytes = info(i.result).part_bytes;
  if (!is_constant(operands[2]) || size == 1) return false;
  const u32 at = static_cast<u32>(f_.values[operands[2]].bits) % i.type.lanes * size;
  const u32 which = at / bytes, inner = at % bytes;
  const bool wide = bytes != 16;
  if (wide && (size < 4 || !vex())) return false;
  if (!wide && size >= 4 && vex() && info(i.result).part_count == 1) {
    insert_into_16(i, inner / size);
    return true;
  }
  RegId source = kNoReg;  // a general register
  if (info(operands[1]).bank == Bank::Gp) source = fetch(operands[1]);
  const RegId number = source == kNoReg ? fetch(operands[1]) : kNoReg;
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = (source != kNoReg ? bit(source) : 0) | (number != kNoReg ? bit(number) : 0);
    const RegId old = fetch(operands[0], p);
    const bool aside = number != kNoReg && part(i.result, p).fixed == number;
    const RegId t = aside ? allocate_vec() : define(i.result, p, operands[0]);
    move_vec(t, vec(old, bytes), bytes);
    if (p == which && wide)
      insert_wide(t, inner / size, size, source, number, bytes);
    else if (p == which)
      insert_lane(t, inner, size, source, number);
    if (aside) bind(i.result, p, t);
  }
  return true;
}

// Lane n of a ymm or zmm register: the new one everywhere, of which a mask takes one.
void Compiler::insert_wide(RegId r, u32 n, u32 size, RegId source, RegId number, u32 bytes) {
  const bool eight = size == 8;
  const InstId broadcast = eight ? Inst::kIdVpbroadcastq : Inst::kIdVpbroadcastd;
  if (isa_ == Isa::Avx512) {
    a_.mov(x86::r11d, Imm(1u << n));
    a_.kmovw(x86::k1, x86::r11d);
    a_.k(x86::k1);
    if (source != kNoReg)
      a_.emit(broadcast, vec(r, bytes), gp(source, size));
    else
      a_.emit(broadcast, vec(r, bytes), vec(number));
    return;
  }
  if (source != kNoReg) {
    emit(eight ? Inst::kIdVmovq : Inst::kIdVmovd, vec(kScratchVec), gp(source, size));
    number = kScratchVec;
  }
  a_.emit(broadcast, vec(kScratchVec, bytes), vec(number));
  a_.emit(Inst::kIdVpblendd, vec(r, bytes), vec(r, bytes), vec(kScratchVec, bytes),
          Imm(eight ? 3u << (2 * n) : 1u << n));
}

// r's bytes from `at` on become the lane in a general register (`source`) or vector register.
void Compiler::insert_lane(RegId r, u32 at, u32 size, RegId source, RegId number) {
  if (size == 8) {
    if (source != kNoReg) {
      emit(vex() ? Inst::kIdVmovq : Inst::kIdMovq, vec(kScratchVec), gp64(source));
      number = kScratchVec;
    }
    if (at == 0) return vec_op(Inst::kIdMovsd, Inst::kIdVmovsd, r, r, vec(number), 16);
    return vec_op(Inst::kIdPunpcklqdq, Inst::kIdVpunpcklqdq, r, r, vec(number), 16);
  }
  if (size == 4 && number != kNoReg) {
    if (at == 0) return vec_op(Inst::kIdMovss, Inst::kIdVmovss, r, r, vec(number), 16);
    if (vex()) {
      a_.emit(Inst::kIdVinsertps, vec(r), vec(r), vec(number), Imm(at / 4 << 4));
      return;
    }
    emit(Inst::kIdMovd, x86::r11d, vec(number));
    source = kScratchGp;
  }
  if (size == 4 && vex()) {
    a_.emit(Inst::kIdVpinsrd, vec(r), vec(r), gp32(source), Imm(at / 4));
    return;
  }
  if (vex()) {
    a_.emit(Inst::kIdVpinsrw, vec(r), vec(r), gp32(source), Imm(at / 2));
    return;
  }
  a_.emit(Inst::kIdPinsrw, vec(r), gp32(source), Imm(at / 2));
  if (size == 2) return;
  if (source != kScratchGp) a_.mov(x86::r11d, gp32(source));
  a_.shr(x86::r11d, 16);
  a_.emit(Inst::kIdPinsrw, vec(r), x86::r11d, Imm(at / 2 + 1));
}

}  // namespace bf::microjit::baseline
