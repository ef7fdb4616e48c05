// Loads, stores, pointers, and the memory intrinsics.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Kind;
using ir::Op;
using ir::ValueId;

// An address, with pointer arithmetic that nobody else needs folded into it.
x86::Mem Compiler::address(ValueId pointer, i64 offset, u32 bytes) {
  const auto fits = [](i64 value) { return value == static_cast<i32>(value); };
  const auto plain = [&](ValueId base, i64 displacement) {
    if (const Instruction* d = definition(base);
        d != nullptr && d->op == Op::stack_alloc && fits(displacement))
      for (const auto& [value, at] : stack_allocs_)
        if (value == base && fits(displacement + at)) {
          x86::Mem m = frame(at, bytes);
          m.addOffset(displacement);
          return m;
        }
    RegId r = fetch(base);
    if (!fits(displacement)) {
      a_.mov(x86::r11, Imm(displacement));
      a_.add(x86::r11, gp64(r));
      r = kScratchGp;
      displacement = 0;
    }
    return x86::ptr(gp64(r), static_cast<i32>(displacement), bytes);
  };
  const auto with_index = [&](ValueId base, ValueId index, u32 scale, i64 displacement) {
    RegId r = fetch(base);
    const RegId n = fetch(index);
    if (!fits(displacement)) {
      a_.mov(x86::r11, Imm(displacement));
      a_.add(x86::r11, gp64(r));
      r = kScratchGp;
      displacement = 0;
    }
    return x86::ptr(gp64(r), gp64(n), static_cast<u32>(__builtin_ctz(scale)),
                    static_cast<i32>(displacement), bytes);
  };
  if (!info(pointer).by_user) return plain(pointer, offset);
  const Instruction& d = *definition(pointer);
  const auto operands = f_.operands_of(d);
  const i64 step = d.op == Op::index ? static_cast<i64>(d.aux) : 1;
  i64 displacement = 0;
  __builtin_add_overflow(offset, d.op == Op::index ? d.imm : 0, &displacement);
  if (is_constant(operands[1])) {
    const u64 moved = f_.values[operands[1]].bits * static_cast<u64>(step);
    return plain(operands[0], static_cast<i64>(static_cast<u64>(displacement) + moved));
  }
  return with_index(operands[0], operands[1], static_cast<u32>(step), displacement);
}

void Compiler::load(const Instruction& i) {
  const ValueId pointer = f_.operands_of(i)[0];
  const u32 bytes = i.type.bytes();
  if (i.type.is_vector()) {
    const ValueInfo& it = info(i.result);
    const x86::Mem from = address(pointer, i.imm, 0);
    const RegMask of_address = pinned_;
    for (u32 p = 0; p < it.part_count; ++p) {
      load_vec(define(i.result, p), further(from, p * it.part_bytes),
               std::min<u32>(bytes, it.part_bytes));
      pinned_ = of_address;
    }
    return;
  }
  const x86::Mem from = address(pointer, i.imm, bytes);
  const RegId r = define(i.result, 0);
  if (info(i.result).bank == Bank::Vec)
    load_vec(r, from, bytes);
  else if (bytes < 4)
    a_.emit(Inst::kIdMovzx, gp32(r), from);
  else
    a_.emit(Inst::kIdMov, gp(r, bytes), from);
}

// The value is made of what is in that place.
void Compiler::update_memory(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const Instruction& update = *definition(operands[0]);
  const auto of = f_.operands_of(update);
  const ValueId other = info(of[0]).by_user ? of[1] : of[0];
  const u32 bytes = type_of(operands[0]).bytes();
  Operand b = get(other);
  if (b.isMem()) b = gp64(fetch(other));
  const x86::Mem to = address(operands[1], i.imm, bytes);
  emit(simple_instruction(update.op), to, sized(b, bytes));
}

void Compiler::store(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const ValueId v = operands[0];
  if (info(v).by_user) return update_memory(i);
  const u32 bytes = type_of(v).bytes();
  if (type_of(v).is_vector()) {
    const ValueInfo& it = info(v);
    const u32 width = std::min<u32>(bytes, it.part_bytes);
    if (width < 4) {  // through the scratch register, which the address may need
      const RegId value = fetch(v), t = allocate_gp();
      emit(vex() ? Inst::kIdVmovd : Inst::kIdMovd, gp32(t), vec(value));
      const x86::Mem to = address(operands[1], i.imm, width);
      return emit(Inst::kIdMov, to, gp(t, width));
    }
    const x86::Mem to = address(operands[1], i.imm, 0);
    const RegMask of_address = pinned_;
    for (u32 p = 0; p < it.part_count; ++p) {
      store_vec(further(to, p * it.part_bytes), fetch(v, p), width);
      pinned_ = of_address;
    }
    return;
  }
  const x86::Mem to = address(operands[1], i.imm, bytes);
  if (info(v).bank == Bank::Vec) return store_vec(to, fetch(v), bytes);
  if (i64 value; immediate(v, value)) {
    a_.emit(Inst::kIdMov, to, Imm(value));
    return;
  }
  a_.emit(Inst::kIdMov, to, gp(fetch(v), bytes));
}

// ptradd and index with users that are no loads or stores.
void Compiler::pointer_arithmetic(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u64 step = i.op == Op::index ? i.aux : 1;
  const i64 displacement = i.op == Op::index ? i.imm : 0;
  const auto fits = [](i64 value) { return value == static_cast<i32>(value); };
  if (is_constant(operands[1])) {
    const i64 moved =
        static_cast<i64>(static_cast<u64>(displacement) + f_.values[operands[1]].bits * step);
    const RegId base = fetch(operands[0]);
    const RegId to = define(i.result, 0, operands[0]);
    if (!fits(moved)) {
      a_.mov(x86::r11, Imm(moved));
      a_.lea(gp64(to), x86::ptr(gp64(base), x86::r11));
    } else if (to == base) {
      if (moved != 0) a_.add(gp64(to), static_cast<i32>(moved));
    } else {
      a_.lea(gp64(to), x86::ptr(gp64(base), static_cast<i32>(moved)));
    }
    return;
  }
  const RegId base = fetch(operands[0]);
  RegId n = fetch(operands[1]);
  u32 shift = 0;
  if (step == 2 || step == 4 || step == 8) {
    shift = static_cast<u32>(__builtin_ctzll(step));
  } else if (step != 1) {
    if ((step & (step - 1)) == 0) {
      a_.mov(x86::r11, gp64(n));
      a_.shl(x86::r11, Imm(__builtin_ctzll(step)));
    } else if (fits(static_cast<i64>(step))) {
      a_.imul(x86::r11, gp64(n), Imm(static_cast<i64>(step)));
    } else {
      a_.mov(x86::r11, Imm(static_cast<i64>(step)));
      a_.imul(x86::r11, gp64(n));
    }
    n = kScratchGp;
  }
  const RegId to = define(i.result, 0);
  if (fits(displacement)) {
    a_.lea(gp64(to), x86::ptr(gp64(base), gp64(n), shift, static_cast<i32>(displacement)));
    return;
  }
  const RegId t = allocate_gp();
  a_.lea(gp64(t), x86::ptr(gp64(base), gp64(n), shift));
  a_.mov(x86::r11, Imm(displacement));
  a_.lea(gp64(to), x86::ptr(gp64(t), x86::r11));
}

void Compiler::memory_intrinsic(const Instruction& i) {
  if (copies_inline(f_, i)) return copy_inline(i);
  constexpr RegId kArguments[] = {kRdi, kRsi, kRdx};
  const auto operands = f_.operands_of(i);
  save_before_call(i);
  for (u32 n = 0; n < 3; ++n) {
    Move move;
    move.to = kArguments[n];
    add_source(move, operands[n], 0);
    moves_.push_back(move);
  }
  run_moves();
  if (i.op == Op::memfill) a_.movzx(x86::esi, x86::sil);
  call_helper(i.op == Op::memcopy   ? Helper::memcopy
              : i.op == Op::memmove ? Helper::memmove
                                    : Helper::memfill);
  forget_cache(~kCalleeSaved);
}

// A memcopy of a small known size: pieces as wide as the machine takes.
void Compiler::copy_inline(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  u32 left = static_cast<u32>(f_.values[operands[2]].bits);
  const x86::Mem to = address(operands[0], 0, 0), from = address(operands[1], 0, 0);
  u32 at = 0;
  for (const u32 bytes : {16u, 8u, 4u, 2u, 1u})
    for (; left >= bytes; left -= bytes, at += bytes) {
      const Operand source = sized(further(from, at), bytes);
      const Operand target = sized(further(to, at), bytes);
      if (bytes >= 16) {
        load_vec(kScratchVec, source.as<x86::Mem>(), bytes);
        store_vec(target.as<x86::Mem>(), kScratchVec, bytes);
      } else {
        if (bytes < 4)
          a_.emit(Inst::kIdMovzx, x86::r11d, source);
        else
          a_.emit(Inst::kIdMov, gp(kScratchGp, bytes), source);
        a_.emit(Inst::kIdMov, target, gp(kScratchGp, bytes));
      }
    }
}

}  // namespace bf::microjit::baseline
