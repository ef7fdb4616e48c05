// Division by constants: a multiplication and shifts instead.
//
// H. Warren, "Hacker's Delight", 2nd edition, chapter 10; T. Granlund, P. Montgomery, "Division by
// Invariant Integers using Multiplication", 1994.
#include <bit>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Op;

namespace {

// The multiplier (as a number of `bits` bits) and shift of a signed division: figure 10-1.
struct SignedMagic {
  u64 multiplier;
  u32 shift;
};
SignedMagic signed_magic(u32 bits, i64 divisor) {
  const u64 mask = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
  const u64 top = u64{1} << (bits - 1);
  const u64 absolute = divisor < 0 ? u64{0} - static_cast<u64>(divisor) : static_cast<u64>(divisor);
  const u64 t = top + (divisor < 0 ? 1 : 0);
  const u64 limit = t - 1 - t % absolute;
  u32 power = bits - 1;
  u64 q1 = top / limit, r1 = top % limit;
  u64 q2 = top / absolute, r2 = top % absolute;
  u64 delta;
  do {
    ++power;
    q1 *= 2;
    r1 *= 2;
    if (r1 >= limit) ++q1, r1 -= limit;
    q2 *= 2;
    r2 *= 2;
    if (r2 >= absolute) ++q2, r2 -= absolute;
    delta = absolute - r2;
  } while (q1 < delta || (q1 == delta && r1 == 0));
  const u64 multiplier = divisor < 0 ? u64{0} - (q2 + 1) : q2 + 1;
  return {multiplier & mask, power - bits};
}

// floor(high * 2^64 / divisor), high < divisor. Freestanding code has no 128-bit division but this.
u64 divide_wide(u64 high, u64 divisor) {
  u64 quotient, remainder;
  asm("divq %4" : "=a"(quotient), "=d"(remainder) : "a"(u64{0}), "d"(high), "r"(divisor) : "cc");
  return quotient;
}

}  // namespace

bool Compiler::divide_by_constant(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  if (!is_constant(operands[1])) return false;
  const u32 bits = i.type.element_bits(), above = 64 - bits;
  const u64 divisor = f_.values[operands[1]].bits << above >> above;
  const i64 signed_divisor = static_cast<i64>(divisor << above) >> above;
  const bool is_signed = i.op == Op::sdiv || i.op == Op::srem;
  const bool remainder = i.op == Op::urem || i.op == Op::srem;
  if (divisor == 0 || (is_signed && (signed_divisor == 1 || signed_divisor == -1))) return false;
  if (!is_signed && (divisor & (divisor - 1)) == 0) {
    divide_by_power(i, divisor);
    return true;
  }
  if (is_signed && signed_divisor > 0 && std::has_single_bit(divisor)) {
    divide_signed_by_power(i, static_cast<u32>(__builtin_ctzll(divisor)));
    return true;
  }
  claim(kRax);
  claim(kRdx);
  extend(kScratchGp, get_rm(operands[0]), bits, 64, is_signed);
  if (is_signed)
    signed_quotient(bits == 64 ? 64 : 32, signed_divisor);
  else
    unsigned_quotient(bits, divisor);
  if (remainder)
    remainder_from_quotient(bits, is_signed ? signed_divisor : static_cast<i64>(divisor));
  bind(i.result, 0, kRax);
  return true;
}

void Compiler::divide_by_power(const Instruction& i, u64 divisor) {
  const Operand a = get_rm(f_.operands_of(i)[0]);
  const RegId t = fresh(i.result);
  if (i.op == Op::udiv) {
    extend(t, a, i.type.element_bits(), 64, false);
    if (divisor != 1) a_.shr(gp64(t), __builtin_ctzll(divisor));
  } else {
    const u64 mask = divisor - 1;
    move_gp(t, a, mask <= 0xffffffff ? 4 : 8);
    if (mask <= 0x7fffffff) {
      a_.and_(gp32(t), static_cast<i32>(mask));
    } else {
      a_.mov(x86::r11, Imm(static_cast<i64>(mask)));
      a_.and_(gp64(t), x86::r11);
    }
  }
  bind(i.result, 0, t);
}

// By 2^log2, above 1. Shifting rounds down; what is negative gets 2^log2 - 1 first, which rounds it
// up.
void Compiler::divide_signed_by_power(const Instruction& i, u32 log2) {
  const u32 bits = i.type.element_bits(), width = bits == 64 ? 8 : 4;
  const Operand a = get_rm(f_.operands_of(i)[0]);
  RegId from = kScratchGp;
  if (bits < 32)
    extend(kScratchGp, a, bits, 32, true);
  else if (a.isReg())
    from = id_of(a);
  else
    move_gp(kScratchGp, a, width);
  const RegId to = fresh(i.result);
  if (from == to) {
    a_.mov(x86::r11, gp64(from));
    from = kScratchGp;
  }
  const x86::Gp t = gp(to, width), x = gp(from, width);
  a_.mov(t, x);
  if (log2 > 1) a_.sar(t, static_cast<i32>(8 * width - 1));
  a_.shr(t, static_cast<i32>(8 * width - log2));
  a_.add(t, x);
  if (i.op == Op::sdiv) {
    a_.sar(t, log2);
  } else {
    a_.shr(t, log2);
    a_.shl(t, log2);
    a_.neg(t);
    a_.add(t, x);
  }
  bind(i.result, 0, to);
}

// rax = r11 / divisor, no power of two; r11 is extended to 64 bits and stays, rdx is changed.
void Compiler::unsigned_quotient(u32 bits, u64 divisor) {
  if (bits <= 32) {  // the upper half of n * ceil(2^64 / divisor) is exact for 32 bits
    a_.mov(x86::rax, Imm(static_cast<i64>(~u64{0} / divisor + 1)));
    a_.mul(x86::rdx, x86::rax, x86::r11);
    a_.mov(x86::rax, x86::rdx);
    return;
  }
  // m = 2^64 * (2^l - divisor) / divisor + 1; t = high(m * n); (t + (n - t) / 2) >> (l - 1)
  const u32 log2 = 64 - static_cast<u32>(__builtin_clzll(divisor - 1));
  const u64 high = (log2 == 64 ? 0 : u64{1} << log2) - divisor;
  a_.mov(x86::rax, Imm(static_cast<i64>(divide_wide(high, divisor) + 1)));
  a_.mul(x86::rdx, x86::rax, x86::r11);
  a_.mov(x86::rax, x86::r11);
  a_.sub(x86::rax, x86::rdx);
  a_.shr(x86::rax, 1);
  a_.add(x86::rax, x86::rdx);
  if (log2 > 1) a_.shr(x86::rax, log2 - 1);
}

// rax = r11 / divisor, of 32 or 64 bits; r11 is extended to 64 bits and stays, rdx is changed.
void Compiler::signed_quotient(u32 bits, i64 divisor) {
  const SignedMagic magic = signed_magic(bits, divisor);
  const u32 bytes = bits / 8;
  const bool negative = (magic.multiplier >> (bits - 1)) != 0;
  if (bits == 32) {
    a_.imul(x86::rax, x86::r11, Imm(static_cast<i32>(magic.multiplier)));
    a_.shr(x86::rax, 32);
  } else {
    a_.mov(x86::rax, Imm(static_cast<i64>(magic.multiplier)));
    a_.imul(x86::rdx, x86::rax, x86::r11);
    a_.mov(x86::rax, x86::rdx);
  }
  if (divisor > 0 && negative) emit(Inst::kIdAdd, gp(kRax, bytes), gp(kScratchGp, bytes));
  if (divisor < 0 && !negative) emit(Inst::kIdSub, gp(kRax, bytes), gp(kScratchGp, bytes));
  if (magic.shift != 0) emit(Inst::kIdSar, gp(kRax, bytes), Imm(magic.shift));
  // Towards zero: one more where the quotient is negative.
  emit(Inst::kIdMov, gp(kRdx, bytes), gp(kRax, bytes));
  emit(Inst::kIdShr, gp(kRdx, bytes), Imm(bits - 1));
  emit(Inst::kIdAdd, gp(kRax, bytes), gp(kRdx, bytes));
}

// rax = r11 - rax * divisor
void Compiler::remainder_from_quotient(u32 bits, i64 divisor) {
  const u32 bytes = bits == 64 ? 8 : 4;
  if (bytes == 4 || divisor == static_cast<i32>(divisor)) {
    a_.emit(Inst::kIdImul, gp(kRdx, bytes), gp(kRax, bytes), Imm(static_cast<i32>(divisor)));
  } else {
    a_.mov(x86::rdx, Imm(divisor));
    a_.imul(x86::rdx, x86::rax);
  }
  a_.mov(x86::rax, x86::r11);
  a_.sub(x86::rax, x86::rdx);
}

}  // namespace bf::microjit::baseline
