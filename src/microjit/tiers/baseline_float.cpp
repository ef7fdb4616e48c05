// Floats: arithmetic, compares and conversions, scalar and packed.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Kind;
using ir::Op;
using ir::Signature;
using ir::ValueId;
using x86::CondCode;

namespace {

// Legacy and VEX/EVEX instruction: scalar f32, scalar f64, packed f32, packed f64.
struct FloatRow {
  Op op;
  InstId sse[4], vex[4];
};
constexpr FloatRow kRows[] = {
    {Op::fadd,
     {Inst::kIdAddss, Inst::kIdAddsd, Inst::kIdAddps, Inst::kIdAddpd},
     {Inst::kIdVaddss, Inst::kIdVaddsd, Inst::kIdVaddps, Inst::kIdVaddpd}},
    {Op::fsub,
     {Inst::kIdSubss, Inst::kIdSubsd, Inst::kIdSubps, Inst::kIdSubpd},
     {Inst::kIdVsubss, Inst::kIdVsubsd, Inst::kIdVsubps, Inst::kIdVsubpd}},
    {Op::fmul,
     {Inst::kIdMulss, Inst::kIdMulsd, Inst::kIdMulps, Inst::kIdMulpd},
     {Inst::kIdVmulss, Inst::kIdVmulsd, Inst::kIdVmulps, Inst::kIdVmulpd}},
    {Op::fdiv,
     {Inst::kIdDivss, Inst::kIdDivsd, Inst::kIdDivps, Inst::kIdDivpd},
     {Inst::kIdVdivss, Inst::kIdVdivsd, Inst::kIdVdivps, Inst::kIdVdivpd}},
    {Op::fminnum,
     {Inst::kIdMinss, Inst::kIdMinsd, Inst::kIdMinps, Inst::kIdMinpd},
     {Inst::kIdVminss, Inst::kIdVminsd, Inst::kIdVminps, Inst::kIdVminpd}},
    {Op::fmaxnum,
     {Inst::kIdMaxss, Inst::kIdMaxsd, Inst::kIdMaxps, Inst::kIdMaxpd},
     {Inst::kIdVmaxss, Inst::kIdVmaxsd, Inst::kIdVmaxps, Inst::kIdVmaxpd}},
    {Op::sqrt,
     {Inst::kIdSqrtss, Inst::kIdSqrtsd, Inst::kIdSqrtps, Inst::kIdSqrtpd},
     {Inst::kIdVsqrtss, Inst::kIdVsqrtsd, Inst::kIdVsqrtps, Inst::kIdVsqrtpd}},
    {Op::fma,
     {},
     {Inst::kIdVfmadd213ss, Inst::kIdVfmadd213sd, Inst::kIdVfmadd213ps, Inst::kIdVfmadd213pd}},
};
// Rounding to an integer, with the mode as an immediate; EVEX has its own.
constexpr InstId kRoundSse[] = {Inst::kIdRoundss, Inst::kIdRoundsd, Inst::kIdRoundps,
                                Inst::kIdRoundpd};
constexpr InstId kRoundVex[] = {Inst::kIdVroundss, Inst::kIdVroundsd, Inst::kIdVroundps,
                                Inst::kIdVroundpd};
constexpr InstId kRoundEvex[] = {Inst::kIdVrndscaless, Inst::kIdVrndscalesd, Inst::kIdVrndscaleps,
                                 Inst::kIdVrndscalepd};

const FloatRow& row_of(Op op) {
  for (const FloatRow& row : kRows)
    if (row.op == op) return row;
  BF_UNREACHABLE("no float instruction");
}

u32 form(u32 bytes, u32 width) {
  return (width != 0 ? 2 : 0) + (bytes == 8 ? 1 : 0);
}
u32 width_or_16(u32 width) {
  return width != 0 ? width : 16;
}

u64 sign_bit(u32 bytes) {
  return u64{1} << (bytes * 8 - 1);
}

// The rounding modes of roundss and vrndscaless, with the inexact exception suppressed.
u32 rounding_mode(Op op) {
  return 8u | (op == Op::rint ? 0u : op == Op::floor ? 1u : op == Op::ceil ? 2u : 3u);
}

Helper helper_of(Op op, bool f64) {
  switch (op) {
    case Op::floor:
      return f64 ? Helper::floor_f64 : Helper::floor_f32;
    case Op::ceil:
      return f64 ? Helper::ceil_f64 : Helper::ceil_f32;
    case Op::trunc_f:
      return f64 ? Helper::trunc_f64 : Helper::trunc_f32;
    case Op::rint:
      return f64 ? Helper::rint_f64 : Helper::rint_f32;
    case Op::round:
      return f64 ? Helper::round_f64 : Helper::round_f32;
    case Op::fma:
      return f64 ? Helper::fma_f64 : Helper::fma_f32;
    default:
      return f64 ? Helper::frem_f64 : Helper::frem_f32;
  }
}

}  // namespace

// to = a op b; `width` is 0 for scalars, else the bytes of the vector. `to` may be a or b.
void Compiler::float_binary(Op op, u32 bytes, RegId to, RegId a, const Operand& b, u32 width) {
  const FloatRow& row = row_of(op);
  const u32 k = form(bytes, width);
  const bool memory = b.isMem();
  vec_op(row.sse[k], row.vex[k], to, a,
         sized(b, width != 0 ? width
                  : memory   ? bytes
                             : 16),
         width_or_16(width));
}

// The number if one operand is a NaN: min and max give the second one then. `to` is neither a nor
// b.
void Compiler::float_min_max(Op op, u32 bytes, RegId to, RegId a, RegId b, u32 width) {
  const u32 w = width_or_16(width);
  const u32 unordered = 3;
  if (isa_ == Isa::Avx512) {
    float_binary(op, bytes, to, a, vec(b, w), width);
    a_.emit(bytes == 8 ? Inst::kIdVcmppd : Inst::kIdVcmpps, x86::k1, vec(b, w), vec(b, w),
            Imm(unordered));
    a_.k(x86::k1).emit(bytes == 8 ? Inst::kIdVmovapd : Inst::kIdVmovaps, vec(to, w), vec(a, w));
    return;
  }
  const RegId mask = kScratchVec;
  move_vec(mask, vec(b, w), w);
  if (vex())
    a_.emit(bytes == 8 ? Inst::kIdVcmppd : Inst::kIdVcmpps, vec(mask, w), vec(b, w), vec(b, w),
            Imm(unordered));
  else
    a_.emit(bytes == 8 ? Inst::kIdCmppd : Inst::kIdCmpps, vec(mask), vec(b), Imm(unordered));
  if (vex()) {
    float_binary(op, bytes, to, a, vec(b, w), width);
    a_.emit(Inst::kIdVblendvps, vec(to, w), vec(to, w), vec(a, w), vec(mask, w));
    return;
  }
  move_vec(to, vec(a), 16);
  const RegId least = allocate_vec();
  move_vec(least, vec(a), 16);
  float_binary(op, bytes, least, least, vec(b), width);
  a_.emit(Inst::kIdAndps, vec(to), vec(mask));
  a_.emit(Inst::kIdAndnps, vec(mask), vec(least));
  a_.emit(Inst::kIdOrps, vec(to), vec(mask));
  unpin(least);
}

void Compiler::copy_sign(u32 bytes, RegId to, RegId a, RegId b, u32 width) {
  const u32 w = width_or_16(width);
  const x86::Mem sign = splat_constant(sign_bit(bytes), bytes, w);
  const x86::Mem rest = splat_constant(sign_bit(bytes) - 1, bytes, w);
  vec_op(Inst::kIdAndps, Inst::kIdVandps, kScratchVec, b, sign, w);
  vec_op(Inst::kIdAndps, Inst::kIdVandps, to, a, rest, w);
  vec_op(Inst::kIdOrps, Inst::kIdVorps, to, to, vec(kScratchVec, w), w);
}

// fneg, fabs, sqrt, and rounding where the processor has it. `a` may be memory.
void Compiler::float_unary(Op op, u32 bytes, RegId to, const Operand& a, u32 width) {
  const u32 w = width_or_16(width), k = form(bytes, width);
  const Operand source = sized(a, a.isMem() && width == 0 ? bytes : w);
  if (op == Op::fneg || op == Op::fabs) {
    RegId from = to;
    if (a.isReg())
      from = id_of(a);
    else
      load_vec(to, a.as<x86::Mem>(), width == 0 ? bytes : width);
    const bool negate = op == Op::fneg;
    const x86::Mem mask = splat_constant(negate ? sign_bit(bytes) : sign_bit(bytes) - 1, bytes, w);
    return vec_op(negate ? Inst::kIdXorps : Inst::kIdAndps,
                  negate ? Inst::kIdVxorps : Inst::kIdVandps, to, from, mask, w);
  }
  if (op == Op::sqrt) {
    const FloatRow& row = row_of(op);
    if (width != 0) return vec_unary(row.sse[k], row.vex[k], to, source, w);
    if (vex())
      a_.emit(row.vex[k], vec(to), a.isReg() ? vec(id_of(a)) : vec(to), source);
    else
      emit(row.sse[k], vec(to), source);
    return;
  }
  const Imm mode(rounding_mode(op));
  const InstId id = isa_ == Isa::Avx512 ? kRoundEvex[k] : vex() ? kRoundVex[k] : kRoundSse[k];
  if (width == 0 && vex())
    a_.emit(id, vec(to), a.isReg() ? vec(id_of(a)) : vec(to), source, mode);
  else
    a_.emit(id, vec(to, w), source, mode);
}

// to = a * b + c, rounded once. `to` is neither b nor c.
void Compiler::fused_multiply_add(u32 bytes, RegId to, RegId a, RegId b, const Operand& c,
                                  u32 width) {
  const u32 w = width_or_16(width);
  move_vec(to, vec(a, w), w);
  a_.emit(row_of(Op::fma).vex[form(bytes, width)], vec(to, w), vec(b, w),
          sized(c, c.isMem() && width == 0 ? bytes : w));
}

bool Compiler::float_calls(Op op) const {
  switch (op) {
    case Op::frem:
    case Op::round:
      return true;
    case Op::floor:
    case Op::ceil:
    case Op::trunc_f:
    case Op::rint:
      return !features_.sse41;
    case Op::fma:
      return !features_.fma || !vex();
    default:
      return false;
  }
}

void Compiler::float_op(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bytes = i.type.bytes();
  if (float_calls(i.op)) {
    save_before_call(i);
    for (u32 n = 0; n < operands.size(); ++n) {
      Move move;
      move.to = vec_id(n);
      add_source(move, operands[n], 0);
      moves_.push_back(move);
    }
    run_moves();
    call_helper(helper_of(i.op, bytes == 8));
    forget_cache(~kCalleeSaved);
    pin(vec_id(0));
    bind(i.result, 0, vec_id(0));
    return;
  }
  switch (i.op) {
    case Op::fadd:
    case Op::fmul:
    case Op::fsub:
    case Op::fdiv: {
      ValueId va = operands[0], vb = operands[1];
      const bool commutes = i.op == Op::fadd || i.op == Op::fmul;
      // The result takes the register of what dies, or of what it shares a fixed one with.
      const auto gives_register = [&](ValueId v) {
        const Part& it = part(v, 0);
        if (it.fixed != kNoReg) return it.fixed == part(i.result, 0).fixed;
        return it.cached != kNoReg && info(v).uses == 1;
      };
      if (commutes && (is_constant(va) || info(va).by_user || (!gives_register(va) && gives_register(vb))) &&
          !is_constant(vb) && !info(vb).by_user)
        std::swap(va, vb);
      const RegId a = fetch(va);
      const Operand b = get_rm(vb);
      float_binary(i.op, bytes, define(i.result, 0, va), a, b, 0);
      return;
    }
    case Op::fminnum:
    case Op::fmaxnum: {
      const RegId a = fetch(operands[0]), b = fetch(operands[1]), t = fresh(i.result);
      float_min_max(i.op, bytes, t, a, b, 0);
      return bind(i.result, 0, t);
    }
    case Op::copysign: {
      const RegId a = fetch(operands[0]), b = fetch(operands[1]), t = fresh(i.result);
      copy_sign(bytes, t, a, b, 0);
      return bind(i.result, 0, t);
    }
    case Op::fma: {
      const RegId a = fetch(operands[0]), b = fetch(operands[1]);
      const Operand c = get_rm(operands[2]);
      const RegId t = fresh(i.result);
      fused_multiply_add(bytes, t, a, b, c, 0);
      return bind(i.result, 0, t);
    }
    default: {
      const Operand a = get_rm(operands[0]);
      const RegId t = fresh(i.result);
      float_unary(i.op, bytes, t, a, 0);
      return bind(i.result, 0, t);
    }
  }
}

void Compiler::float_helper(Op op, u32 bytes) {
  call_helper(helper_of(op, bytes == 8));
}

// ---- Compares -----------------------------------------------------------------------------------

namespace {

// ucomis sets CF for "below or unordered", ZF for "equal or unordered", PF for "unordered".
struct FloatCondition {
  CondCode code;
  bool swapped;
  Condition::Parity parity = Condition::Parity::Ignored;
};
FloatCondition float_condition(Op op) {
  switch (op) {
    case Op::foeq:
      return {CondCode::kE, false, Condition::Parity::AndNot};
    case Op::fogt:
      return {CondCode::kA, false};
    case Op::foge:
      return {CondCode::kAE, false};
    case Op::folt:
      return {CondCode::kA, true};
    case Op::fole:
      return {CondCode::kAE, true};
    case Op::fone:
      return {CondCode::kNE, false};
    case Op::ford:
      return {CondCode::kNP, false};
    case Op::fueq:
      return {CondCode::kE, false};
    case Op::fugt:
      return {CondCode::kB, true};
    case Op::fuge:
      return {CondCode::kBE, true};
    case Op::fult:
      return {CondCode::kB, false};
    case Op::fule:
      return {CondCode::kBE, false};
    case Op::fune:
      return {CondCode::kNE, false, Condition::Parity::Or};
    default:
      return {CondCode::kP, false};
  }
}

}  // namespace

Condition Compiler::float_compare(Op op, u32 bytes, ValueId va, ValueId vb) {
  const FloatCondition c = float_condition(op);
  if (c.swapped) std::swap(va, vb);
  const RegId a = fetch(va);
  const Operand b = get_rm(vb);
  const InstId id = bytes == 8 ? (vex() ? Inst::kIdVucomisd : Inst::kIdUcomisd)
                               : (vex() ? Inst::kIdVucomiss : Inst::kIdUcomiss);
  emit(id, vec(a), sized(b, b.isMem() ? bytes : 16));
  return {c.code, c.parity};
}

Condition Compiler::float_compare(Op op, u32 bytes, RegId a, RegId b) {
  const FloatCondition c = float_condition(op);
  if (c.swapped) std::swap(a, b);
  const InstId id = bytes == 8 ? (vex() ? Inst::kIdVucomisd : Inst::kIdUcomisd)
                               : (vex() ? Inst::kIdVucomiss : Inst::kIdUcomiss);
  emit(id, vec(a), vec(b));
  return {c.code, c.parity};
}

// ---- Conversions --------------------------------------------------------------------------------

void Compiler::convert_float(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const Kind from = type_of(v).kind;
  switch (i.op) {
    case Op::fptosi:
    case Op::fptoui: {
      const RegId a = fetch(v), t = fresh(i.result);
      to_integer(i.op, i.type.kind, from, t, a);
      return bind(i.result, 0, t);
    }
    case Op::sitofp:
    case Op::uitofp: {
      const Operand a = get_rm(v);
      const RegId t = fresh(i.result);
      to_float(i.op, i.type.kind, from, t, a);
      return bind(i.result, 0, t);
    }
    default:
      break;
  }
  if (is_call(f_, i, features_)) {
    save_before_call(i);
    const RegId argument = bank_of({from}) == Bank::Gp ? kRdi : vec_id(0);
    Move move;
    move.to = argument;
    add_source(move, v, 0);
    moves_.push_back(move);
    run_moves();
    const RegId result = bank_of(i.type) == Bank::Gp ? kRax : vec_id(0);
    resize_float(i.op, i.type.kind, from, result, argument);
    forget_cache(~kCalleeSaved);
    pin(result);
    return bind(i.result, 0, result);
  }
  const RegId a = fetch(v), t = fresh(i.result);
  resize_float(i.op, i.type.kind, from, t, a);
  bind(i.result, 0, t);
}

void Compiler::to_integer(Op op, Kind to, Kind from, RegId result, RegId a) {
  const bool f64 = from == Kind::F64;
  const InstId convert = f64 ? (vex() ? Inst::kIdVcvttsd2si : Inst::kIdCvttsd2si)
                             : (vex() ? Inst::kIdVcvttss2si : Inst::kIdCvttss2si);
  const bool narrow = to == Kind::I8 || to == Kind::I16;
  if (narrow || (op == Op::fptosi && to == Kind::I32)) return emit(convert, gp32(result), vec(a));
  emit(convert, gp64(result), vec(a));
  if (op == Op::fptosi || to != Kind::I64) return;
  // From 2^63 on: less 2^63, then bit 63 flipped. NaN stays with the first conversion.
  const Label done = a_.newLabel();
  const RegId difference =
      allocate_vec();  // not in the branch: another value may have to be stored
  const u64 limit = f64 ? 0x43e0000000000000 : 0x5f000000;
  const x86::Mem constant_limit = splat_constant(limit, f64 ? 8 : 4, 16);
  move_vec(kScratchVec, constant_limit, f64 ? 8 : 4);
  emit(f64 ? (vex() ? Inst::kIdVucomisd : Inst::kIdUcomisd)
           : (vex() ? Inst::kIdVucomiss : Inst::kIdUcomiss),
       vec(a), vec(kScratchVec));
  a_.jb(done);
  const u32 bytes = f64 ? 8 : 4;
  float_binary(Op::fsub, bytes, difference, a, vec(kScratchVec), 0);
  emit(convert, gp64(result), vec(difference));
  unpin(difference);
  a_.btc(gp64(result), 63);
  a_.bind(done);
}

void Compiler::to_float(Op op, Kind to, Kind from, RegId result, const Operand& a) {
  const bool f64 = to == Kind::F64;
  const u32 bits = ir::Type{from}.element_bits();
  const InstId convert = f64 ? (vex() ? Inst::kIdVcvtsi2sd : Inst::kIdCvtsi2sd)
                             : (vex() ? Inst::kIdVcvtsi2ss : Inst::kIdCvtsi2ss);
  const auto from_gp = [&](const x86::Gp& r) {
    zero_vec(result, 16);  // the instruction keeps the upper part: no wait for its last writer
    if (vex())
      a_.emit(convert, vec(result), vec(result), r);
    else
      a_.emit(convert, vec(result), r);
  };
  const bool is_signed = op == Op::sitofp;
  if (bits < 64) {
    extend(kScratchGp, a, bits, is_signed ? 32 : 64, is_signed);
    return from_gp(gp(kScratchGp, is_signed ? 4 : 8));
  }
  move_gp(kScratchGp, a, 8);
  if (is_signed) return from_gp(x86::r11);
  if (isa_ == Isa::Avx512) {
    zero_vec(result, 16);
    a_.emit(f64 ? Inst::kIdVcvtusi2sd : Inst::kIdVcvtusi2ss, vec(result), vec(result), x86::r11);
    return;
  }
  // Too big for the signed conversion: half of it, the lost bit kept for rounding, and doubled.
  const Label big = a_.newLabel(), done = a_.newLabel();
  const RegId low = allocate_gp();
  a_.test(x86::r11, x86::r11);
  a_.js(big);
  from_gp(x86::r11);
  a_.jmp(done);
  a_.bind(big);
  a_.mov(gp32(low), x86::r11d);
  a_.and_(gp32(low), 1);
  a_.shr(x86::r11, 1);
  a_.or_(x86::r11, gp64(low));
  from_gp(x86::r11);
  float_binary(Op::fadd, f64 ? 8 : 4, result, result, vec(result), 0);
  a_.bind(done);
  unpin(low);
}

// fptrunc and fpext. Where it calls (is_call), the operand is in rdi or xmm0, the result in rax or
// xmm0.
void Compiler::resize_float(Op op, Kind to, Kind from, RegId result, RegId a) {
  if (op == Op::fptrunc) {
    if (to == Kind::F32) {
      if (vex())
        a_.emit(Inst::kIdVcvtsd2ss, vec(result), vec(a), vec(a));
      else
        a_.emit(Inst::kIdCvtsd2ss, vec(result), vec(a));
      return;
    }
    const bool f64 = from == Kind::F64;
    return call_helper(to == Kind::F16 ? (f64 ? Helper::f64_to_f16 : Helper::f32_to_f16)
                                       : (f64 ? Helper::f64_to_bf16 : Helper::f32_to_bf16));
  }
  RegId single = a;
  if (from == Kind::F16) {
    a_.movzx(x86::edi, gp(a, 2));
    call_helper(Helper::f16_to_f32);
    single = vec_id(0);
  } else if (from == Kind::BF16) {
    a_.mov(x86::r11d, gp32(a));
    a_.shl(x86::r11d, 16);
    emit(vex() ? Inst::kIdVmovd : Inst::kIdMovd, vec(result), x86::r11d);
    single = result;
  }
  if (to == Kind::F32) return;
  if (vex())
    a_.emit(Inst::kIdVcvtss2sd, vec(result), vec(single), vec(single));
  else
    a_.emit(Inst::kIdCvtss2sd, vec(result), vec(single));
}

// ---- Bitcast ------------------------------------------------------------------------------------

void Compiler::bitcast(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const Bank from = info(v).bank, to = info(i.result).bank;
  const u32 bytes = i.type.bytes();
  if (from == Bank::Gp && to == Bank::Gp) {
    const Operand a = get(v);
    return move_gp(define(i.result, 0, v), a, bytes);
  }
  if (from == Bank::Vec && to == Bank::Vec) {
    for (u32 p = 0; p < info(i.result).part_count; ++p) {
      pinned_ = 0;
      const Operand a = get_rm(v, p);
      const RegId r = define(i.result, p, v);
      move_vec(
          r, a,
          a.isMem() ? std::min<u32>(bytes, info(i.result).part_bytes) : info(i.result).part_bytes);
    }
    return;
  }
  const bool wide = bytes == 8;
  if (to == Bank::Gp) {
    const RegId a = fetch(v), r = define(i.result, 0);
    return emit(
        vex() ? (wide ? Inst::kIdVmovq : Inst::kIdVmovd) : (wide ? Inst::kIdMovq : Inst::kIdMovd),
        gp(r, wide ? 8 : 4), vec(a));
  }
  const RegId a = fetch(v), r = define(i.result, 0);
  emit(vex() ? (wide ? Inst::kIdVmovq : Inst::kIdVmovd) : (wide ? Inst::kIdMovq : Inst::kIdMovd),
       vec(r), gp(a, wide ? 8 : 4));
}

}  // namespace bf::microjit::baseline
