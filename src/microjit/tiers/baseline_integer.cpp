// Scalar integers: arithmetic, compares, choice, widening and narrowing.
#include <algorithm>
#include <bit>

#include "microjit/ir/op_facts.h"
#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::kNoValue;
using ir::Op;
using ir::Signature;
using ir::ValueId;
using x86::CondCode;

namespace {

bool is_shift(Op op) {
  return op == Op::shl || op == Op::lshr || op == Op::ashr || op == Op::rotl || op == Op::rotr;
}
bool is_division(Op op) {
  return op == Op::udiv || op == Op::sdiv || op == Op::urem || op == Op::srem;
}

// Whether an address needs a register.
bool uses_register(const Operand& o, RegId r) {
  const auto& m = o.as<x86::Mem>();
  return (m.hasBaseReg() && m.baseId() == r) || (m.hasIndexReg() && m.indexId() == r);
}

// Registers and moves of 8 and 16 bits are avoided: what lies above a value means nothing.
u32 width_of(u32 bits) {
  return bits == 64 ? 8 : 4;
}

}  // namespace

InstId simple_instruction(Op op) {
  switch (op) {
    case Op::add:
      return Inst::kIdAdd;
    case Op::sub:
      return Inst::kIdSub;
    case Op::mul:
      return Inst::kIdImul;
    case Op::and_:
      return Inst::kIdAnd;
    case Op::or_:
      return Inst::kIdOr;
    case Op::xor_:
      return Inst::kIdXor;
    default:
      return 0;
  }
}

// Claims the registers that the instruction insists on; before operands are fetched.
void Compiler::prepare_binary(Op op, u32 bits, bool constant_b) {
  if (is_division(op) || ((op == Op::umulh || op == Op::smulh) && bits == 64)) {
    claim(kRax);
    claim(kRdx);
  } else if (is_shift(op) && !constant_b) {
    const bool three_operands = features_.bmi2 && bits >= 32 && op != Op::rotl && op != Op::rotr;
    if (!three_operands) claim(kRcx);
  }
}

void Compiler::integer_binary(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  ValueId va = operands[0], vb = operands[1];
  const u32 bits = i.type.element_bits();
  if (divided_ == &i) return take_divided(i);
  if (is_division(i.op) && divide_by_constant(i)) return;
  if (ir::commutes(i.op) && (is_constant(va) || info(va).by_user)) std::swap(va, vb);
  prepare_binary(i.op, bits, is_constant(vb));
  Operand a = get_rm(va), b = Imm(0);
  if (is_shift(i.op) && is_constant(vb))
    b = Imm(f_.values[vb].bits & (bits - 1));
  else
    b = get(vb);
  const bool in_place = simple_instruction(i.op) != 0 || is_shift(i.op);
  if (!in_place) {
    if (is_division(i.op) && bits >= 32) return divide_once(i, a, b);
    const bool in_rax =
        is_division(i.op) || (bits == 64 && (i.op == Op::umulh || i.op == Op::smulh));
    const RegId t = in_rax ? kRax : fresh(i.result);
    bind(i.result, 0, binary(i.op, bits, t, a, b));
    return;
  }
  // A value that dies here gives its register: the second one's if the operation commutes.
  const auto dies = [&](ValueId v, const Operand& o) {
    return o.isReg() && info(v).uses == 1 && part(v, 0).fixed == kNoReg &&
           part(v, 0).cached != kNoReg;
  };
  if (ir::commutes(i.op) && !dies(va, a) && dies(vb, b)) {
    std::swap(va, vb);
    std::swap(a, b);
  }
  const RegId fixed = part(i.result, 0).fixed;
  const bool wants_first = fixed == kNoReg || (a.isReg() && id_of(a) == fixed);
  const bool lea_is_better = fixed == kNoReg && !dies(va, a);
  const RegId to = define(i.result, 0, wants_first && !lea_is_better ? va : kNoValue);
  if (b.isMem() && uses_register(b, to) && !(a.isReg() && id_of(a) == to)) {
    move_gp(kScratchGp, b, width_of(bits));
    b = x86::r11;
  }
  if (b.isReg() && id_of(b) == to && !(a.isReg() && id_of(a) == to)) {
    if (ir::commutes(i.op)) {
      std::swap(a, b);
    } else if (i.op == Op::sub && a.isReg()) {
      const u32 width = width_of(bits);
      a_.emit(Inst::kIdNeg, gp(to, width));
      a_.emit(Inst::kIdAdd, gp(to, width), sized(a, width));
      return;
    } else if (!is_shift(i.op)) {
      a_.mov(x86::r11, gp64(to));
      b = x86::r11;
    }
  }
  binary(i.op, bits, to, a, b);
}

// to = a op b. `to` may be a's register; b's only if that is a's too, or for shifts. The result is
// in the register that is returned.
RegId Compiler::binary(Op op, u32 bits, RegId to, const Operand& a, const Operand& b) {
  if (is_shift(op)) {
    shift(op, bits, to, a, b);
    return to;
  }
  const InstId id = simple_instruction(op);
  if (id == 0) return rare_binary(op, bits, to, a, b);
  const u32 width = width_of(bits);
  const bool apart = a.isReg() && id_of(a) != to;
  if (apart && b.isImm() && (op == Op::add || op == Op::sub)) {
    const i64 value = op == Op::add ? b.as<Imm>().value() : -b.as<Imm>().value();
    if (value == static_cast<i32>(value)) {
      a_.emit(Inst::kIdLea, gp(to, width), x86::ptr(gp64(id_of(a)), static_cast<i32>(value)));
      return to;
    }
  }
  if (apart && b.isReg() && op == Op::add) {
    a_.emit(Inst::kIdLea, gp(to, width), x86::ptr(gp64(id_of(a)), gp64(id_of(b))));
    return to;
  }
  if (op == Op::mul && b.isImm()) {
    const i64 value = b.as<Imm>().value();
    if (value > 0 && (value & (value - 1)) == 0) {
      move_gp(to, a, width);
      a_.emit(Inst::kIdShl, gp(to, width), Imm(__builtin_ctzll(static_cast<u64>(value))));
      return to;
    }
    if (a.isReg() && value > 1 && multiply_by_shifts(to, id_of(a), static_cast<u64>(value), width))
      return to;
    if (a.isImm()) {
      move_gp(to, a, width);
      a_.emit(id, gp(to, width), gp(to, width), b);
    } else {
      a_.emit(id, gp(to, width), sized(a, width), b);
    }
    return to;
  }
  move_gp(to, a, width);
  emit(id, gp(to, width), sized(b, width));
  return to;
}

// to = from * factor in two steps of one tick each, where that does it; a multiplication takes
// three.
bool Compiler::multiply_by_shifts(RegId to, RegId from, u64 factor, u32 width) {
  const u32 twos = static_cast<u32>(__builtin_ctzll(factor));
  const u64 odd = factor >> twos;
  if (odd == 3 || odd == 5 || odd == 9) {
    const u32 shift = static_cast<u32>(__builtin_ctzll(odd - 1));
    a_.emit(Inst::kIdLea, gp(to, width), x86::ptr(gp64(from), gp64(from), shift));
    if (twos != 0) a_.emit(Inst::kIdShl, gp(to, width), Imm(twos));
    return true;
  }
  const bool above = std::has_single_bit(factor - 1), below = std::has_single_bit(factor + 1);
  if ((!above && !below) || from == kScratchGp) return false;
  const u32 shift = static_cast<u32>(std::bit_width(factor) - (above ? 1 : 0));
  const RegId other = to == from ? kScratchGp : from;
  a_.mov(gp(to == from ? kScratchGp : to, width), gp(from, width));
  a_.emit(Inst::kIdShl, gp(to, width), Imm(shift));
  a_.emit(above ? Inst::kIdAdd : Inst::kIdSub, gp(to, width), gp(other, width));
  return true;
}

void Compiler::shift(Op op, u32 bits, RegId to, const Operand& a, const Operand& b) {
  const bool narrow = bits < 32;
  const bool rotates = op == Op::rotl || op == Op::rotr;
  const InstId id = op == Op::shl    ? Inst::kIdShl
                    : op == Op::lshr ? Inst::kIdShr
                    : op == Op::ashr ? Inst::kIdSar
                    : op == Op::rotl ? Inst::kIdRol
                                     : Inst::kIdRor;
  const u32 width = rotates ? bits / 8 : width_of(bits);
  const auto load_first = [&] {
    if (narrow && (op == Op::lshr || op == Op::ashr))
      extend(to, a, bits, 32, op == Op::ashr);
    else
      move_gp(to, a, width_of(bits));
  };
  if (b.isImm()) {
    const u32 amount = static_cast<u32>(b.as<Imm>().value()) & (bits - 1);
    load_first();
    if (amount != 0) emit(id, gp(to, width), Imm(amount));
    return;
  }
  if (features_.bmi2 && !narrow && !rotates) {
    const InstId id3 = op == Op::shl    ? Inst::kIdShlx
                       : op == Op::lshr ? Inst::kIdShrx
                                        : Inst::kIdSarx;
    RegId amount;
    if (b.isReg()) {
      amount = id_of(b);
    } else {
      amount = kScratchGp;
      move_gp(amount, b, width);
    }
    if (a.isImm()) {
      // A constant shifted: the amount may be in the result's register.
      const RegId first = to == amount || amount == kScratchGp ? allocate_gp() : to;
      move_gp(first, a, width);
      a_.emit(id3, gp(to, width), gp(first, width), gp(amount, width));
    } else {
      a_.emit(id3, gp(to, width), sized(a, width), gp(amount, width));
    }
    return;
  }
  move_gp(kRcx, b, 4);
  load_first();
  if (narrow && !rotates) a_.and_(x86::ecx, static_cast<i32>(bits - 1));
  emit(id, gp(to, width), x86::cl);
}

RegId Compiler::rare_binary(Op op, u32 bits, RegId to, const Operand& a, const Operand& b) {
  switch (op) {
    case Op::udiv:
    case Op::sdiv:
    case Op::urem:
    case Op::srem:
      return divide(op, bits, a, b);
    case Op::umulh:
    case Op::smulh:
      return high_product(op, bits, to, a, b);
    case Op::smin:
    case Op::smax:
    case Op::umin:
    case Op::umax:
      minmax(op, bits, to, a, b);
      return to;
    default:
      saturating(op, bits, to, a, b);
      return to;
  }
}

// A quotient and a remainder of the same numbers, one after the other: the second is there already.
void Compiler::take_divided(const Instruction& i) {
  divided_ = nullptr;
  bind(i.result, 0, i.op == Op::urem || i.op == Op::srem ? kRdx : kRax);
}

void Compiler::divide_once(const Instruction& i, const Operand& a, const Operand& b) {
  bind(i.result, 0, divide(i.op, i.type.element_bits(), a, b));
  const Instruction& next = (&i)[1];  // there is one: this one does not end the block
  const Op other = i.op == Op::udiv   ? Op::urem
                   : i.op == Op::urem ? Op::udiv
                   : i.op == Op::sdiv ? Op::srem
                                      : Op::sdiv;
  if (next.op == other && std::ranges::equal(f_.operands_of(next), f_.operands_of(i)))
    divided_ = &next;
}

// rax and rdx are claimed. The 8- and 16-bit instructions trap where the IR does.
RegId Compiler::divide(Op op, u32 bits, const Operand& a, const Operand& b) {
  const bool is_signed = op == Op::sdiv || op == Op::srem;
  const bool remainder = op == Op::urem || op == Op::srem;
  const u32 bytes = bits / 8;
  Operand divisor = sized(b, bytes);
  if (b.isImm()) {
    move_gp(kScratchGp, b, bytes);
    divisor = gp(kScratchGp, bytes);
  }
  const InstId id = is_signed ? Inst::kIdIdiv : Inst::kIdDiv;
  if (bits == 8) {
    if (divisor.isReg()) {
      // Whatever the encoding, not one of ah ch dh bh.
      a_.mov(x86::r11d, gp32(id_of(divisor)));
      divisor = x86::r11b;
    }
    extend(kRax, a, 8, 32, is_signed);
    a_.emit(id, x86::ax, divisor);
    if (remainder) a_.shr(x86::eax, 8);
    return kRax;
  }
  move_gp(kRax, a, bytes);
  if (is_signed)
    emit_sign_of_rax(bytes);
  else
    a_.xor_(x86::edx, x86::edx);
  a_.emit(id, gp(kRdx, bytes), gp(kRax, bytes), divisor);
  return remainder ? kRdx : kRax;
}

void Compiler::emit_sign_of_rax(u32 bytes) {
  if (bytes == 2)
    a_.cwd(x86::dx, x86::ax);
  else if (bytes == 4)
    a_.cdq(x86::edx, x86::eax);
  else
    a_.cqo(x86::rdx, x86::rax);
}

RegId Compiler::high_product(Op op, u32 bits, RegId to, const Operand& a, const Operand& b) {
  const bool is_signed = op == Op::smulh;
  if (bits == 64) {
    Operand factor = b;
    if (b.isImm()) {
      move_gp(kScratchGp, b, 8);
      factor = x86::r11;
    }
    move_gp(kRax, a, 8);
    a_.emit(is_signed ? Inst::kIdImul : Inst::kIdMul, x86::rdx, x86::rax, sized(factor, 8));
    return kRdx;
  }
  extend(kScratchGp, b, bits, 64, is_signed);
  extend(to, a, bits, 64, is_signed);
  a_.imul(gp64(to), x86::r11);
  a_.shr(gp64(to), bits);
  return to;
}

void Compiler::minmax(Op op, u32 bits, RegId to, const Operand& a, const Operand& b) {
  const bool is_signed = op == Op::smin || op == Op::smax;
  const u32 width = width_of(bits);
  const CondCode other_wins = op == Op::smin   ? CondCode::kG
                              : op == Op::smax ? CondCode::kL
                              : op == Op::umin ? CondCode::kA
                                               : CondCode::kB;
  if (bits < 32) {
    extend(kScratchGp, b, bits, 32, is_signed);
    extend(to, a, bits, 32, is_signed);
  } else {
    move_gp(kScratchGp, b, width);
    move_gp(to, a, width);
  }
  emit(Inst::kIdCmp, gp(to, width), gp(kScratchGp, width));
  emit(Inst::cmovccFromCond(other_wins), gp(to, width), gp(kScratchGp, width));
}

void Compiler::saturating(Op op, u32 bits, RegId to, const Operand& a, const Operand& b) {
  const u32 bytes = bits / 8, width = width_of(bits);
  const bool adds = op == Op::sadd_sat || op == Op::uadd_sat;
  const bool is_signed = op == Op::sadd_sat || op == Op::ssub_sat;
  if (is_signed) {  // the limit is the end of the range that `a` lies towards
    const u64 greatest = (u64{1} << (bits - 1)) - 1;
    move_gp(kScratchGp, a, bytes);
    emit(Inst::kIdSar, gp(kScratchGp, bytes), Imm(bits - 1));
    if (bits == 64)
      a_.btc(x86::r11, 63), a_.not_(x86::r11);
    else
      a_.xor_(x86::r11d, static_cast<i32>(greatest));
  }
  move_gp(to, a, width);
  emit(adds ? Inst::kIdAdd : Inst::kIdSub, gp(to, bytes), sized(b, bytes));
  if (!is_signed) emit(Inst::kIdMov, gp(kScratchGp, width), Imm(adds ? -1 : 0));
  emit(is_signed ? Inst::kIdCmovo : Inst::kIdCmovb, gp(to, width), gp(kScratchGp, width));
}

void Compiler::integer_unary(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const Operand a = get(v);
  const RegId t = fresh(i.result);
  unary(i.op, i.type.element_bits(), t, a);
  bind(i.result, 0, t);
}

// `to` is not a's register.
void Compiler::unary(Op op, u32 bits, RegId to, const Operand& a) {
  const u32 width = width_of(bits);
  const bool narrow = bits < 32;
  const x86::Gp scratch = gp(kScratchGp, width);
  switch (op) {
    case Op::abs:
      if (narrow)
        extend(to, a, bits, 32, true);
      else
        move_gp(to, a, width);
      emit(Inst::kIdMov, scratch, gp(to, width));
      emit(Inst::kIdNeg, gp(to, width));
      emit(Inst::kIdCmovs, gp(to, width), scratch);
      return;
    case Op::ctpop:
      extend(to, a, bits, 64, false);
      if (features_.popcnt)
        emit(Inst::kIdPopcnt, gp(to, width), gp(to, width));
      else
        population_count(bits, to);
      return;
    case Op::ctlz:
      extend(to, a, bits, 64, false);
      if (features_.lzcnt) {
        emit(Inst::kIdLzcnt, gp(to, width), gp(to, width));
        if (narrow) a_.sub(gp32(to), 32 - bits);
        return;
      }
      // bsr gives the index of the highest bit and leaves the target alone for 0.
      emit(Inst::kIdMov, scratch, Imm(2 * bits - 1));
      emit(Inst::kIdBsr, gp(to, width), gp(to, width));
      emit(Inst::kIdCmovz, gp(to, width), scratch);
      a_.xor_(gp32(to), static_cast<i32>(bits - 1));
      return;
    case Op::cttz:
      move_gp(to, a, width);
      if (narrow) a_.or_(gp32(to), Imm(1 << bits));  // stops the search at `bits`
      if (features_.bmi1) return emit(Inst::kIdTzcnt, gp(to, width), gp(to, width));
      emit(Inst::kIdMov, scratch, Imm(bits));
      emit(Inst::kIdBsf, gp(to, width), gp(to, width));
      return emit(Inst::kIdCmovz, gp(to, width), scratch);
    case Op::bswap:
      move_gp(to, a, width);
      if (bits == 16)
        emit(Inst::kIdRol, gp(to, 2), Imm(8));
      else if (bits > 16)
        emit(Inst::kIdBswap, gp(to, width));
      return;
    default:
      move_gp(to, a, width);
      return reverse_bits(bits, to);
  }
}

namespace {

constexpr u64 kOdd1 = 0x5555555555555555, kOdd2 = 0x3333333333333333, kOdd4 = 0x0f0f0f0f0f0f0f0f;

}  // namespace

// Upper bits are zero. By halves, as in Hacker's Delight, section 5-1.
void Compiler::population_count(u32, RegId to) {
  const RegId mask = allocate_gp(), half = kScratchGp;
  const x86::Gp x = gp64(to), m = gp64(mask), h = gp64(half);
  a_.mov(m, Imm(static_cast<i64>(kOdd1)));
  a_.mov(h, x);
  a_.shr(h, 1);
  a_.and_(h, m);
  a_.sub(x, h);
  a_.mov(m, Imm(static_cast<i64>(kOdd2)));
  a_.mov(h, x);
  a_.shr(h, 2);
  a_.and_(h, m);
  a_.and_(x, m);
  a_.add(x, h);
  a_.mov(m, Imm(static_cast<i64>(kOdd4)));
  a_.mov(h, x);
  a_.shr(h, 4);
  a_.add(x, h);
  a_.and_(x, m);
  a_.mov(m, Imm(0x0101010101010101));
  a_.imul(x, m);
  a_.shr(x, 56);
  unpin(mask);
}

void Compiler::reverse_bits(u32 bits, RegId to) {
  const RegId mask = allocate_gp();
  const x86::Gp x = gp64(to), m = gp64(mask), h = x86::r11;
  struct Step {
    u64 mask;
    u32 distance;
  };
  for (const Step step : {Step{kOdd1, 1}, Step{kOdd2, 2}, Step{kOdd4, 4}}) {
    a_.mov(m, Imm(static_cast<i64>(step.mask)));
    a_.mov(h, x);
    a_.shr(h, step.distance);
    a_.and_(h, m);
    a_.and_(x, m);
    a_.shl(x, step.distance);
    a_.or_(x, h);
  }
  if (bits > 8) {
    a_.bswap(x);
    if (bits < 64) a_.shr(x, 64 - bits);
  }
  unpin(mask);
}

void Compiler::overflow(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bits = type_of(operands[0]).element_bits(), bytes = bits / 8;
  const bool product64 = i.op == Op::umul_overflows && bits == 64;
  if (product64) {
    claim(kRax);
    claim(kRdx);
  }
  const Operand a = get_rm(operands[0]), b = get(operands[1]);
  const RegId t = fresh(i.result);
  CondCode code = CondCode::kO;
  switch (i.op) {
    case Op::sadd_overflows:
    case Op::uadd_overflows:
      move_gp(t, a, bytes);
      emit(Inst::kIdAdd, gp(t, bytes), sized(b, bytes));
      if (i.op == Op::uadd_overflows) code = CondCode::kC;
      break;
    case Op::ssub_overflows:
    case Op::usub_overflows:
      move_gp(t, a, bytes);
      emit(Inst::kIdSub, gp(t, bytes), sized(b, bytes));
      if (i.op == Op::usub_overflows) code = CondCode::kC;
      break;
    case Op::smul_overflows:
      if (bits == 8) {  // exact in 32 bits; overflows if the low byte says something else
        extend(kScratchGp, b, 8, 32, true);
        extend(t, a, 8, 32, true);
        a_.imul(gp32(t), x86::r11d);
        a_.movsx(x86::r11d, gp(t, 1));
        a_.cmp(gp32(t), x86::r11d);
        code = CondCode::kNE;
      } else {
        move_gp(t, a, bytes);
        move_gp(kScratchGp, b, bytes);
        emit(Inst::kIdImul, gp(t, bytes), gp(kScratchGp, bytes));
      }
      break;
    default:
      move_gp(kScratchGp, b, bytes);
      if (product64) {
        move_gp(kRax, a, 8);
        a_.emit(Inst::kIdMul, x86::rdx, x86::rax, x86::r11);
      } else {
        extend(kScratchGp, b, bits, 64, false);
        extend(t, a, bits, 64, false);
        a_.imul(gp64(t), x86::r11);
        a_.shr(gp64(t), bits);  // sets ZF: an amount of 8 to 32 is never 0
        code = CondCode::kNE;
      }
  }
  set_from(t, {code});
  bind(i.result, 0, t);
}

// ---- Compares -----------------------------------------------------------------------------------

Condition Compiler::integer_compare(Op op, u32 bytes, Operand a, Operand b) {
  CondCode code = CondCode::kZ;
  switch (op) {
    case Op::eq:
      code = CondCode::kE;
      break;
    case Op::ne:
      code = CondCode::kNE;
      break;
    case Op::ult:
      code = CondCode::kB;
      break;
    case Op::ule:
      code = CondCode::kBE;
      break;
    case Op::ugt:
      code = CondCode::kA;
      break;
    case Op::uge:
      code = CondCode::kAE;
      break;
    case Op::slt:
      code = CondCode::kL;
      break;
    case Op::sle:
      code = CondCode::kLE;
      break;
    case Op::sgt:
      code = CondCode::kG;
      break;
    default:
      code = CondCode::kGE;
      break;
  }
  if (a.isMem() && b.isMem()) {
    move_gp(kScratchGp, a, bytes);
    a = x86::r11;
  }
  if (b.isImm() && b.as<Imm>().value() == 0 && a.isReg())
    emit(Inst::kIdTest, sized(a, bytes), sized(a, bytes));
  else
    emit(Inst::kIdCmp, sized(a, bytes), sized(b, bytes));
  return {code};
}

// Emits the compare `c`; nothing that changes flags may come before its user.
Condition Compiler::compare(const Instruction& c) {
  const auto operands = f_.operands_of(c);
  const ir::Type t = type_of(operands[0]);
  if (c.op == Op::trunc) {
    const Operand a = get_rm(operands[0]);
    emit(Inst::kIdTest, sized(a, 1), Imm(1));
    return {CondCode::kNE};
  }
  if (info(operands[0]).by_user && definition(operands[0])->op == Op::and_) {
    const auto of = f_.operands_of(*definition(operands[0]));
    Operand a = get_rm(of[0]);
    const Operand b = get(of[1]);
    if (b.isMem()) {
      move_gp(kScratchGp, a, t.element_bytes());
      emit(Inst::kIdTest, b.isMem() ? sized(b, t.element_bytes()) : b,
           gp(kScratchGp, t.element_bytes()));
    } else {
      emit(Inst::kIdTest, sized(a, t.element_bytes()), sized(b, t.element_bytes()));
    }
    return {c.op == Op::eq ? CondCode::kE : CondCode::kNE};
  }
  if (ir::op_info(c.op).signature == Signature::FloatCompare)
    return float_compare(c.op, t.bytes(), operands[0], operands[1]);
  Op op = c.op;
  ValueId va = operands[0], vb = operands[1];
  if (is_constant(va) && !is_constant(vb)) {
    std::swap(va, vb);
    switch (op) {
      case Op::ult:
        op = Op::ugt;
        break;
      case Op::ule:
        op = Op::uge;
        break;
      case Op::ugt:
        op = Op::ult;
        break;
      case Op::uge:
        op = Op::ule;
        break;
      case Op::slt:
        op = Op::sgt;
        break;
      case Op::sle:
        op = Op::sge;
        break;
      case Op::sgt:
        op = Op::slt;
        break;
      case Op::sge:
        op = Op::sle;
        break;
      default:
        break;
    }
  }
  const Operand a = get_rm(va), b = get(vb);
  return integer_compare(op, t.element_bytes(), a, b);
}

Condition Compiler::test(ValueId condition) {
  if (const Operand c = get_rm(condition); c.isReg()) {
    const x86::Gp r = gp(id_of(c), 1);
    a_.test(r, r);
  } else {
    a_.emit(Inst::kIdCmp, sized(c, 1), Imm(0));
  }
  return {CondCode::kNE};
}

Condition Compiler::condition_of(ValueId condition) {
  if (info(condition).by_user) return compare(*definition(condition));
  return test(condition);
}

void Compiler::set_from(RegId to, Condition c) {
  emit(Inst::setccFromCond(c.code), gp(to, 1));
  if (c.parity == Condition::Parity::AndNot) {
    a_.setnp(x86::r11b);
    a_.and_(gp(to, 1), x86::r11b);
  } else if (c.parity == Condition::Parity::Or) {
    a_.setp(x86::r11b);
    a_.or_(gp(to, 1), x86::r11b);
  }
}

void Compiler::compare_scalar(const Instruction& i) {
  const Condition c = compare(i);
  set_from(define(i.result, 0), c);
}

// ---- Choice -------------------------------------------------------------------------------------

void Compiler::select(const Instruction& i) {
  if (info(i.result).bank == Bank::Gp)
    select_gp(i);
  else
    select_vec(i);
}

void Compiler::select_gp(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 width = width_of(i.type.element_bits());
  const RegId yes = fetch(operands[1]), no = fetch(operands[2]);
  const Condition c = condition_of(operands[0]);
  const auto move_if = [&](CondCode code, RegId to, RegId from) {
    emit(Inst::cmovccFromCond(code), gp(to, width), gp(from, width));
  };
  if (c.parity == Condition::Parity::Ignored) {
    const RegId to = define(i.result, 0, operands[2]);
    if (to == yes && to != no) return move_if(x86::negateCond(c.code), to, no);
    move_gp(to, gp64(no), width);
    return move_if(c.code, to, yes);
  }
  // Equal and ordered: "no" if either fails. Unequal or unordered: "yes" if either holds.
  const bool both = c.parity == Condition::Parity::AndNot;
  const RegId t = fresh(i.result);
  move_gp(t, gp64(both ? yes : no), width);
  move_if(both ? CondCode::kNE : CondCode::kNE, t, both ? no : yes);
  move_if(CondCode::kP, t, both ? no : yes);
  bind(i.result, 0, t);
}

// Floats, and vectors chosen as a whole: around a branch for each part. Moves leave the flags
// alone.
void Compiler::select_vec(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const ValueInfo& it = info(i.result);
  const auto bytes_of = [&](const Operand& o) -> u32 {
    return i.type.is_vector() ? it.part_bytes : o.isMem() ? i.type.bytes() : 16;
  };
  const Condition c = condition_of(operands[0]);
  for (u32 p = 0; p < it.part_count; ++p) {
    pinned_ = 0;
    const Operand no = get_rm(operands[2], p), yes = get_rm(operands[1], p);
    const RegId to = fresh(i.result, p);
    move_vec(to, no, bytes_of(no));
    const Label done = a_.newLabel();
    jump_unless(c, done);
    move_vec(to, yes, bytes_of(yes));
    a_.bind(done);
    bind(i.result, p, to);
  }
}

// ---- Width --------------------------------------------------------------------------------------

// Whether the register of a value is 0 above the value: what loads and instructions of 32 bits
// leave.
bool Compiler::upper_bits_clear(ValueId v) const {
  const Instruction* i = definition(v);
  if (!i) return false;
  if (i->op == Op::load) return type_of(v).kind != ir::Kind::I1;
  return type_of(v).kind == ir::Kind::I32 && simple_instruction(i->op) != 0;
}

void Compiler::convert_integer(const Instruction& i) {
  const ValueId v = f_.operands_of(i)[0];
  const u32 from = type_of(v).element_bits(), to_bits = i.type.element_bits();
  const Operand a = get(v);
  const RegId to = define(i.result, 0, v);
  if (i.op == Op::zext && a.isReg() && upper_bits_clear(v)) return move_gp(to, a, 4);
  if (i.op != Op::trunc) return extend(to, a, from, to_bits, i.op == Op::sext);
  move_gp(to, a, from == 64 && a.isReg() ? 4 : width_of(to_bits));
  if (to_bits == 1) a_.and_(gp32(to), 1);
}

}  // namespace bf::microjit::baseline
