// Vector operations on whole registers, part by part. What has no good sequence here goes lane by
// lane (baseline_lanes.cpp).
#include <algorithm>

#include "microjit/ir/op_facts.h"
#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Kind;
using ir::Op;
using ir::Signature;
using ir::ValueId;

namespace {

struct VectorRow {
  Op op;
  Kind kind;
  InstId ids[3];  // by Isa
};
constexpr VectorRow kRows[] = {
#define BF_VECTOR_OP(op, kind, sse, vex, evex) \
  {Op::op, Kind::kind, {Inst::kId##sse, Inst::kId##vex, Inst::kId##evex}},
#include "microjit/tiers/vector_ops.def"
#undef BF_VECTOR_OP
};

// By lane width: 8, 16, 32, 64 bits (log2_bytes).
constexpr InstId kCompare512[] = {Inst::kIdVpcmpb, Inst::kIdVpcmpw, Inst::kIdVpcmpd,
                                  Inst::kIdVpcmpq};
constexpr InstId kCompareUnsigned512[] = {Inst::kIdVpcmpub, Inst::kIdVpcmpuw, Inst::kIdVpcmpud,
                                          Inst::kIdVpcmpuq};
constexpr InstId kMaskToVector[] = {Inst::kIdVpmovm2b, Inst::kIdVpmovm2w, Inst::kIdVpmovm2d,
                                    Inst::kIdVpmovm2q};

}  // namespace

InstId Compiler::vector_instruction(Op op, Kind kind) const {
  for (const VectorRow& row : kRows)
    if (row.op == op && row.kind == kind) return row.ids[static_cast<u32>(isa_)];
  return Inst::kIdNone;
}

void Compiler::vector_op(const Instruction& i) {
  if (!vector_by_parts(i)) by_lanes(i);
}

bool Compiler::vector_by_parts(const Instruction& i) {
  switch (ir::op_info(i.op).signature) {
    case Signature::IntBinary:
      return vector_binary(i);
    case Signature::IntUnary:
      return i.op == Op::abs && vector_abs(i);
    case Signature::IntCompare:
      return vector_compare(i);
    case Signature::FloatCompare:
      return vector_float_compare(i);
    case Signature::FloatBinary:
    case Signature::FloatUnary:
    case Signature::FloatTernary:
      return vector_float(i);
    case Signature::Select:
      return vector_select(i);
    case Signature::IntExtend:
      return vector_extend(i);
    case Signature::IntTruncate:
      return vector_truncate(i);
    case Signature::FloatToInt:
    case Signature::IntToFloat:
      return vector_convert(i);
    case Signature::Splat:
      return vector_splat(i);
    case Signature::Extract:
      return vector_extract(i);
    case Signature::Insert:
      return vector_insert(i);
    case Signature::Shuffle:
      return vector_shuffle(i);
    case Signature::Dot4:
      return vector_dot4(i);
    default:
      return false;
  }
}

// to = a op b as one row of the table.
void Compiler::packed(Op op, Kind kind, RegId to, RegId a, const Operand& b, u32 bytes) {
  const InstId id = vector_instruction(op, kind);
  vec_op(id, id, to, a, b, bytes);
}

void Compiler::shift_all(Op op, u32 bits, RegId to, RegId a, u32 amount, u32 bytes) {
  static constexpr InstId kSse[3][3] = {{Inst::kIdPsllw, Inst::kIdPslld, Inst::kIdPsllq},
                                        {Inst::kIdPsrlw, Inst::kIdPsrld, Inst::kIdPsrlq},
                                        {Inst::kIdPsraw, Inst::kIdPsrad, Inst::kIdNone}};
  static constexpr InstId kVex[3][3] = {{Inst::kIdVpsllw, Inst::kIdVpslld, Inst::kIdVpsllq},
                                        {Inst::kIdVpsrlw, Inst::kIdVpsrld, Inst::kIdVpsrlq},
                                        {Inst::kIdVpsraw, Inst::kIdVpsrad, Inst::kIdVpsraq}};
  const u32 way = op == Op::shl ? 0 : op == Op::lshr ? 1 : 2, width = log2_bytes(bits) - 1;
  if (vex()) {
    a_.emit(kVex[way][width], vec(to, bytes), vec(a, bytes), Imm(amount));
  } else {
    move_vec(to, vec(a), 16);
    a_.emit(kSse[way][width], vec(to), Imm(amount));
  }
}

// ---- Integers -----------------------------------------------------------------------------------

// Whether all lanes of a constant are the same; `bits` gets the lane.
bool Compiler::same_lanes(ValueId v, u64& bits) const {
  if (!is_constant(v)) return false;
  const auto bytes = f_.vector_bytes(f_.values[v]);
  const u32 size = type_of(v).element_bytes();
  for (usize k = size; k < bytes.size(); ++k)
    if (bytes[k] != bytes[k - size]) return false;
  bits = 0;
  for (u32 k = 0; k < size; ++k) bits |= u64{bytes[k]} << (8 * k);
  return true;
}

bool Compiler::vector_binary(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  ValueId va = operands[0], vb = operands[1];
  const u32 bits = i.type.element_bits(), bytes = info(i.result).part_bytes;
  if (vector_instruction(i.op, i.type.kind) != Inst::kIdNone) {
    if (ir::commutes(i.op) && (is_constant(va) || info(va).uses != 1) && !is_constant(vb))
      std::swap(va, vb);
    for (u32 p = 0; p < info(i.result).part_count; ++p) {
      pinned_ = 0;
      const RegId a = fetch(va, p);
      const Operand b = get_rm(vb, p);
      packed(i.op, i.type.kind, define(i.result, p, va), a, b, bytes);
    }
    return true;
  }
  const bool shifts = i.op == Op::shl || i.op == Op::lshr || i.op == Op::ashr;
  if (u64 amount; shifts && same_lanes(vb, amount)) {
    for (u32 p = 0; p < info(i.result).part_count; ++p) {
      pinned_ = 0;
      const RegId a = fetch(va, p);
      shift_part(i.op, bits, define(i.result, p, va), a, static_cast<u32>(amount) & (bits - 1),
                 bytes);
    }
    return true;
  }
  if (shifts && vex() && bits >= (isa_ == Isa::Avx512 ? 16 : 32) &&
      !(i.op == Op::ashr && bits == 64 && isa_ == Isa::Avx2)) {
    static constexpr InstId kVariable[3][3] = {
        {Inst::kIdVpsllvw, Inst::kIdVpsllvd, Inst::kIdVpsllvq},
        {Inst::kIdVpsrlvw, Inst::kIdVpsrlvd, Inst::kIdVpsrlvq},
        {Inst::kIdVpsravw, Inst::kIdVpsravd, Inst::kIdVpsravq}};
    const InstId id = kVariable[i.op == Op::shl    ? 0
                                : i.op == Op::lshr ? 1
                                                   : 2][log2_bytes(bits) - 1];
    for (u32 p = 0; p < info(i.result).part_count; ++p) {
      pinned_ = 0;
      const RegId a = fetch(va, p), b = fetch(vb, p), t = fresh(i.result, p);
      packed(Op::and_, i.type.kind, t, b, splat_constant(bits - 1, bits / 8, bytes), bytes);
      a_.emit(id, vec(t, bytes), vec(a, bytes), vec(t, bytes));
      bind(i.result, p, t);
    }
    return true;
  }
  if (i.op == Op::mul) {
    for (u32 p = 0; p < info(i.result).part_count; ++p) {
      pinned_ = 0;
      const RegId a = fetch(va, p), b = fetch(vb, p), t = fresh(i.result, p);
      multiply_part(bits, t, a, b, bytes);
      bind(i.result, p, t);
    }
    return true;
  }
  const bool minmax = i.op == Op::smin || i.op == Op::smax || i.op == Op::umin || i.op == Op::umax;
  if (minmax && can_compare(bits)) {
    const bool greatest = i.op == Op::smax || i.op == Op::umax;
    const bool is_unsigned = i.op == Op::umin || i.op == Op::umax;
    for (u32 p = 0; p < info(i.result).part_count; ++p) {
      pinned_ = 0;
      const RegId a = fetch(va, p), b = fetch(vb, p), t = fresh(i.result, p);
      compare_part(is_unsigned ? Op::ugt : Op::sgt, i.type.kind, t, a, b, bytes);
      choose_part(t, t, greatest ? a : b, greatest ? b : a, bytes);
      bind(i.result, p, t);
    }
    return true;
  }
  return false;
}

// to = a shifted; the instructions know 16, 32 and 64 bits. `to` may be `a`.
void Compiler::shift_part(Op op, u32 bits, RegId to, RegId a, u32 amount, u32 bytes) {
  if (bits == 8) {
    shift_all(op == Op::ashr ? Op::lshr : op, 16, to, a, amount, bytes);
    const u64 mask = op == Op::shl ? 0xffu << amount & 0xff : 0xffu >> amount;
    packed(Op::and_, Kind::I8, to, to, splat_constant(mask, 1, bytes), bytes);
  } else if (op == Op::ashr && bits == 64 && isa_ != Isa::Avx512) {
    shift_all(Op::lshr, 64, to, a, amount, bytes);
  } else {
    return shift_all(op, bits, to, a, amount, bytes);
  }
  if (op != Op::ashr) return;
  // A logical shift made arithmetic: the sign, now at `sign`, carries through what is above it.
  const Kind kind = ir::int_kind(bits);
  const u64 sign = (u64{1} << (bits - 1)) >> amount;
  const x86::Mem flip = splat_constant(sign, bits / 8, bytes);
  packed(Op::xor_, kind, to, to, flip, bytes);
  packed(Op::sub, kind, to, to, flip, bytes);
}

// Products that are no instruction: of 8, 32 (SSE2) and 64 bits. `to` is neither a nor b.
void Compiler::multiply_part(u32 bits, RegId to, RegId a, RegId b, u32 bytes) {
  const RegId s = kScratchVec;
  const auto odd_products = [&](RegId t, RegId x, RegId y) {  // of the upper halves of 64 bits
    shift_all(Op::lshr, 64, t, x, 32, bytes);
    shift_all(Op::lshr, 64, s, y, 32, bytes);
    vec_op(Inst::kIdPmuludq, Inst::kIdVpmuludq, t, t, vec(s, bytes), bytes);
  };
  if (bits == 8) {
    const RegId odd = allocate_vec();
    shift_all(Op::lshr, 16, odd, a, 8, bytes);
    shift_all(Op::lshr, 16, s, b, 8, bytes);
    packed(Op::mul, Kind::I16, odd, odd, vec(s, bytes), bytes);
    shift_all(Op::shl, 16, odd, odd, 8, bytes);
    packed(Op::mul, Kind::I16, to, a, vec(b, bytes), bytes);
    packed(Op::and_, Kind::I16, to, to, splat_constant(0x00ff, 2, bytes), bytes);
    packed(Op::or_, Kind::I16, to, to, vec(odd, bytes), bytes);
    unpin(odd);
  } else if (bits == 32) {  // SSE2: even and odd lanes, then put together
    const RegId odd = allocate_vec();
    odd_products(odd, a, b);
    vec_op(Inst::kIdPmuludq, Inst::kIdVpmuludq, to, a, vec(b), bytes);
    a_.emit(Inst::kIdPshufd, vec(to), vec(to), Imm(0x08));
    a_.emit(Inst::kIdPshufd, vec(odd), vec(odd), Imm(0x08));
    a_.emit(Inst::kIdPunpckldq, vec(to), vec(odd));
    unpin(odd);
  } else {  // low * low + ((high * low + low * high) << 32)
    const RegId cross = allocate_vec();
    shift_all(Op::lshr, 64, cross, a, 32, bytes);
    vec_op(Inst::kIdPmuludq, Inst::kIdVpmuludq, cross, cross, vec(b, bytes), bytes);
    shift_all(Op::lshr, 64, s, b, 32, bytes);
    vec_op(Inst::kIdPmuludq, Inst::kIdVpmuludq, s, s, vec(a, bytes), bytes);
    packed(Op::add, Kind::I64, cross, cross, vec(s, bytes), bytes);
    shift_all(Op::shl, 64, cross, cross, 32, bytes);
    vec_op(Inst::kIdPmuludq, Inst::kIdVpmuludq, to, a, vec(b, bytes), bytes);
    packed(Op::add, Kind::I64, to, to, vec(cross, bytes), bytes);
    unpin(cross);
  }
}

bool Compiler::vector_abs(const Instruction& i) {
  const u32 bits = i.type.element_bits(), bytes = info(i.result).part_bytes;
  if (bits == 64 && isa_ != Isa::Avx512) return false;
  static constexpr InstId kAbs[] = {Inst::kIdVpabsb, Inst::kIdVpabsw, Inst::kIdVpabsd,
                                    Inst::kIdVpabsq};
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    const RegId a = fetch(f_.operands_of(i)[0], p);
    const RegId t = vex() && p == 0 ? in_place(i.result) : fresh(i.result, p);
    if (vex()) {
      a_.emit(kAbs[log2_bytes(bits)], vec(t, bytes), vec(a, bytes));
    } else {  // (a ^ m) - m, m the sign everywhere
      zero_vec(kScratchVec, 16);
      packed(Op::sgt, i.type.kind, kScratchVec, kScratchVec, vec(a), 16);
      packed(Op::xor_, i.type.kind, t, a, vec(kScratchVec), 16);
      packed(Op::sub, i.type.kind, t, t, vec(kScratchVec), 16);
    }
    bind(i.result, p, t);
  }
  return true;
}

// ---- Compares and choice ------------------------------------------------------------------------

bool Compiler::can_compare(u32 bits) const {
  return bits < 64 || vex();
}

// Whether AVX's own forms, which compare into a vector and not into a mask register, can name these.
bool Compiler::in_vex_registers(RegId to, RegId a, RegId b, u32 bytes) const {
  constexpr RegId kEnd = vec_id(16);
  return vex() && bytes <= 32 && to < kEnd && a < kEnd && b < kEnd;
}

// to = a lane mask, by one instruction of AVX's, where it has that comparison.
bool Compiler::compare_vex(Op op, u32 n, RegId to, RegId a, RegId b, u32 bytes) {
  static constexpr InstId kEqual[] = {Inst::kIdVpcmpeqb, Inst::kIdVpcmpeqw, Inst::kIdVpcmpeqd,
                                      Inst::kIdVpcmpeqq};
  static constexpr InstId kGreater[] = {Inst::kIdVpcmpgtb, Inst::kIdVpcmpgtw, Inst::kIdVpcmpgtd,
                                        Inst::kIdVpcmpgtq};
  if ((op != Op::eq && op != Op::sgt && op != Op::slt) || !in_vex_registers(to, a, b, bytes))
    return false;
  if (op == Op::slt) std::swap(a, b);
  a_.emit(op == Op::eq ? kEqual[n] : kGreater[n], vec(to, bytes), vec(a, bytes), vec(b, bytes));
  return true;
}

// to = a lane mask. `to` is neither a nor b, but with AVX-512.
void Compiler::compare_part(Op op, Kind kind, RegId to, RegId a, RegId b, u32 bytes) {
  const u32 bits = ir::Type{kind}.element_bits();
  const bool is_unsigned = op >= Op::ult && op <= Op::uge;
  if (isa_ == Isa::Avx512) {
    const u32 predicate = op == Op::eq                     ? 0
                          : op == Op::ne                   ? 4
                          : op == Op::ult || op == Op::slt ? 1
                          : op == Op::ule || op == Op::sle ? 2
                          : op == Op::uge || op == Op::sge ? 5
                                                           : 6;
    const u32 n = log2_bytes(bits);
    if (compare_vex(op, n, to, a, b, bytes)) return;
    a_.emit(is_unsigned ? kCompareUnsigned512[n] : kCompare512[n], x86::k1, vec(a, bytes),
            vec(b, bytes), Imm(predicate));
    a_.emit(kMaskToVector[n], vec(to, bytes), x86::k1);
    return;
  }
  // Equal or greater, with the operands exchanged and the result negated as needed.
  const bool equality = op == Op::eq || op == Op::ne;
  const bool negate =
      op == Op::ne || op == Op::ule || op == Op::sle || op == Op::uge || op == Op::sge;
  const bool swap = op == Op::ult || op == Op::slt || op == Op::uge || op == Op::sge;
  if (swap) std::swap(a, b);
  if (equality) {
    packed(Op::eq, kind, to, a, vec(b, bytes), bytes);
  } else if (is_unsigned) {
    const x86::Mem sign = splat_constant(u64{1} << (bits - 1), bits / 8, bytes);
    const RegId other = allocate_vec();
    packed(Op::xor_, kind, to, a, sign, bytes);
    packed(Op::xor_, kind, other, b, sign, bytes);
    packed(Op::sgt, kind, to, to, vec(other, bytes), bytes);
    unpin(other);
  } else {
    packed(Op::sgt, kind, to, a, vec(b, bytes), bytes);
  }
  if (negate) packed(Op::xor_, kind, to, to, splat_constant(~u64{0}, 8, bytes), bytes);
}

bool Compiler::vector_compare(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  if (!can_compare(i.type.element_bits())) return false;
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    const RegId a = fetch(operands[0], p), b = fetch(operands[1], p);
    const RegId t = isa_ == Isa::Avx512 && p == 0 ? in_place(i.result) : fresh(i.result, p);
    compare_part(i.op, i.type.kind, t, a, b, info(i.result).part_bytes);
    bind(i.result, p, t);
  }
  return true;
}

bool Compiler::vector_float_compare(const Instruction& i) {
  struct Predicate {
    u8 code;
    bool swapped;
  };
  const Predicate predicate = [&]() -> Predicate {
    switch (i.op) {
      case Op::foeq:
        return {0, false};
      case Op::folt:
        return {1, false};
      case Op::fole:
        return {2, false};
      case Op::fogt:
        return {1, true};
      case Op::foge:
        return {2, true};
      case Op::fone:
        return {12, false};
      case Op::ford:
        return {7, false};
      case Op::fueq:
        return {8, false};
      case Op::fugt:
        return {6, false};
      case Op::fuge:
        return {5, false};
      case Op::fult:
        return {6, true};
      case Op::fule:
        return {5, true};
      case Op::fune:
        return {4, false};
      default:
        return {3, false};
    }
  }();
  const auto operands = f_.operands_of(i);
  const bool f64 = type_of(operands[0]).kind == Kind::F64;
  const u32 bytes = info(i.result).part_bytes;
  const InstId sse = f64 ? Inst::kIdCmppd : Inst::kIdCmpps;
  const InstId avx = f64 ? Inst::kIdVcmppd : Inst::kIdVcmpps;
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    RegId a = fetch(operands[0], p), b = fetch(operands[1], p);
    if (predicate.swapped) std::swap(a, b);
    const RegId t = vex() && p == 0 ? in_place(i.result) : fresh(i.result, p);
    if (isa_ == Isa::Avx512 && !in_vex_registers(t, a, b, bytes)) {
      a_.emit(avx, x86::k1, vec(a, bytes), vec(b, bytes), Imm(predicate.code));
      a_.emit(kMaskToVector[f64 ? 3 : 2], vec(t, bytes), x86::k1);
    } else if (vex()) {
      a_.emit(avx, vec(t, bytes), vec(a, bytes), vec(b, bytes), Imm(predicate.code));
    } else if (predicate.code < 8) {
      vec_op(sse, sse, t, a, vec(b), 16, predicate.code);
    } else {  // unequal and ordered; equal or unordered
      const bool unequal = predicate.code == 12;
      vec_op(sse, sse, t, a, vec(b), 16, unequal ? 4 : 0);
      vec_op(sse, sse, kScratchVec, a, vec(b), 16, unequal ? 7 : 3);
      packed(unequal ? Op::and_ : Op::or_, Kind::I32, t, t, vec(kScratchVec), 16);
    }
    bind(i.result, p, t);
  }
  return true;
}

// to = mask ? yes : no, bit by bit. `to` may be the mask, nothing else.
void Compiler::choose_part(RegId to, RegId mask, RegId yes, RegId no, u32 bytes) {
  if (isa_ == Isa::Avx512) {
    move_vec(to, vec(mask, bytes), bytes);
    a_.emit(Inst::kIdVpternlogd, vec(to, bytes), vec(yes, bytes), vec(no, bytes), Imm(0xca));
    return;
  }
  if (vex()) {
    a_.emit(Inst::kIdVpblendvb, vec(to, bytes), vec(no, bytes), vec(yes, bytes), vec(mask, bytes));
    return;
  }
  move_vec(kScratchVec, vec(mask), 16);
  emit(Inst::kIdPandn, vec(kScratchVec), vec(no));
  move_vec(to, vec(mask), 16);
  emit(Inst::kIdPand, vec(to), vec(yes));
  emit(Inst::kIdPor, vec(to), vec(kScratchVec));
}

bool Compiler::vector_select(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    const RegId mask = fetch(operands[0], p), yes = fetch(operands[1], p),
                no = fetch(operands[2], p);
    const bool fixed = part(i.result, p).fixed != kNoReg;  // perhaps one of the choices
    const RegId t = fixed ? allocate_vec() : define(i.result, p, operands[0]);
    choose_part(t, mask, yes, no, info(i.result).part_bytes);
    if (fixed) bind(i.result, p, t);
  }
  return true;
}

// ---- Floats -------------------------------------------------------------------------------------

bool Compiler::vector_float(const Instruction& i) {
  if (float_calls(i.op)) return false;
  const auto operands = f_.operands_of(i);
  const u32 element = i.type.element_bytes(), bytes = info(i.result).part_bytes;
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    switch (i.op) {
      case Op::fadd:
      case Op::fsub:
      case Op::fmul:
      case Op::fdiv: {
        ValueId va = operands[0], vb = operands[1];
        const RegId fixed = part(i.result, p).fixed;
        const bool second_is_home = fixed != kNoReg && part(vb, p).fixed == fixed;
        if (ir::commutes(i.op) && !is_constant(vb) &&
            (is_constant(va) || second_is_home || (info(va).uses != 1 && info(vb).uses == 1)))
          std::swap(va, vb);
        const RegId a = fetch(va, p);
        const Operand b = get_rm(vb, p);
        float_binary(i.op, element, define(i.result, p, va), a, b, bytes);
        break;
      }
      case Op::fminnum:
      case Op::fmaxnum:
      case Op::copysign: {
        const RegId a = fetch(operands[0], p), b = fetch(operands[1], p), t = fresh(i.result, p);
        if (i.op == Op::copysign)
          copy_sign(element, t, a, b, bytes);
        else
          float_min_max(i.op, element, t, a, b, bytes);
        bind(i.result, p, t);
        break;
      }
      case Op::fma: {
        const RegId a = fetch(operands[0], p), b = fetch(operands[1], p);
        const Operand c = get_rm(operands[2], p);
        const RegId t = fresh(i.result, p);
        fused_multiply_add(element, t, a, b, c, bytes);
        bind(i.result, p, t);
        break;
      }
      default: {
        const RegId a = fetch(operands[0], p);
        float_unary(i.op, element, define(i.result, p, operands[0]), vec(a, bytes), bytes);
      }
    }
  }
  return true;
}

// Between integers and floats of the same width.
bool Compiler::vector_convert(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const u32 bits = i.type.element_bits();
  if (type_of(v).element_bits() != bits) return false;
  InstId sse = Inst::kIdNone, avx = Inst::kIdNone;
  if (bits == 32 && i.op == Op::sitofp) {
    sse = Inst::kIdCvtdq2ps;
    avx = Inst::kIdVcvtdq2ps;
  } else if (bits == 32 && i.op == Op::fptosi) {
    sse = Inst::kIdCvttps2dq;
    avx = Inst::kIdVcvttps2dq;
  } else if (isa_ == Isa::Avx512 && i.op == Op::uitofp) {
    avx = bits == 32 ? Inst::kIdVcvtudq2ps : Inst::kIdVcvtuqq2pd;
  } else if (isa_ == Isa::Avx512 && i.op == Op::sitofp) {
    avx = Inst::kIdVcvtqq2pd;
  } else if (isa_ == Isa::Avx512 && i.op == Op::fptosi) {
    avx = Inst::kIdVcvttpd2qq;
  }
  if ((vex() ? avx : sse) == Inst::kIdNone) return false;
  const u32 bytes = info(i.result).part_bytes;
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    const RegId a = fetch(v, p);
    vec_unary(sse, avx, define(i.result, p, v), vec(a, bytes), bytes);
  }
  return true;
}

// ---- Dot products -------------------------------------------------------------------------------

bool Compiler::vector_dot4(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bytes = info(i.result).part_bytes;
  const bool first_unsigned = i.op == Op::dot4_us;
  const bool vnni = first_unsigned && ((isa_ == Isa::Avx512 && features_.avx512vnni) ||
                                       (isa_ == Isa::Avx2 && features_.avxvnni));
  for (u32 p = 0; p < info(i.result).part_count; ++p) {
    pinned_ = 0;
    const RegId a = fetch(operands[0], p), b = fetch(operands[1], p), t = fresh(i.result, p);
    if (vnni) {
      zero_vec(t, bytes);
      if (isa_ == Isa::Avx2) a_.vex();
      a_.emit(Inst::kIdVpdpbusd, vec(t, bytes), vec(a, bytes), vec(b, bytes));
    } else {
      // Even and odd bytes as 16 bits: pairs of products are summed exactly to 32 bits.
      const RegId odd = allocate_vec();
      shift_all(first_unsigned ? Op::lshr : Op::ashr, 16, odd, a, 8, bytes);
      shift_all(Op::ashr, 16, kScratchVec, b, 8, bytes);
      vec_op(Inst::kIdPmaddwd, Inst::kIdVpmaddwd, odd, odd, vec(kScratchVec, bytes), bytes);
      if (first_unsigned) {
        packed(Op::and_, Kind::I16, t, a, splat_constant(0x00ff, 2, bytes), bytes);
      } else {
        shift_all(Op::shl, 16, t, a, 8, bytes);
        shift_all(Op::ashr, 16, t, t, 8, bytes);
      }
      shift_all(Op::shl, 16, kScratchVec, b, 8, bytes);
      shift_all(Op::ashr, 16, kScratchVec, kScratchVec, 8, bytes);
      vec_op(Inst::kIdPmaddwd, Inst::kIdVpmaddwd, t, t, vec(kScratchVec, bytes), bytes);
      packed(Op::add, Kind::I32, t, t, vec(odd, bytes), bytes);
    }
    bind(i.result, p, t);
  }
  return true;
}

}  // namespace bf::microjit::baseline
