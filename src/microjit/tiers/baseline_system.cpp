// Variadic functions, arguments passed by value, atomics, stack space of variable size.
#include <algorithm>

#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
using ir::Op;
using ir::ValueId;

// ---- Variadic functions -------------------------------------------------------------------------

// At entry, al is at least the number of vector registers with arguments.
void Compiler::save_variadic_arguments() {
  constexpr RegId kGeneral[] = {kRdi, kRsi, kRdx, kRcx, kR8, kR9};
  frame_bytes_ = align_up(frame_bytes_, 16u);
  save_area_ = static_cast<i32>(frame_bytes_);
  frame_bytes_ += sizeof(RegisterSaveArea);
  for (u32 n = 0; n < kGeneralArguments; ++n)
    a_.mov(frame(save_area_ + static_cast<i32>(8 * n)), gp64(kGeneral[n]));
  const Label none = a_.newLabel();
  a_.test(x86::al, x86::al);
  a_.jz(none);
  for (u32 n = 0; n < kVectorArguments; ++n)
    store_vec(frame(save_area_ + static_cast<i32>(8 * kGeneralArguments + 16 * n), 16), vec_id(n),
              16);
  a_.bind(none);
}

void Compiler::start_va_list(const Instruction& i) {
  const ir::FunctionType& type = module_.types[f_.type];
  const VaList list = first_unnamed(type);
  const RegId to = fetch(f_.operands_of(i)[0]);
  const auto field = [&](usize offset, u32 bytes) {
    return x86::ptr(gp64(to), static_cast<i32>(offset), bytes);
  };
  a_.mov(field(offsetof(VaList, general_offset), 4), Imm(list.general_offset));
  a_.mov(field(offsetof(VaList, vector_offset), 4), Imm(list.vector_offset));
  a_.lea(x86::r11, x86::ptr(x86::rbp, 16 + static_cast<i32>(stack_argument_bytes(type))));
  a_.mov(field(offsetof(VaList, stack), 8), x86::r11);
  a_.lea(x86::r11, frame(save_area_));
  a_.mov(field(offsetof(VaList, save_area), 8), x86::r11);
}

// ---- Arguments by value -------------------------------------------------------------------------

void Compiler::copy_argument(RegId from, i32 to, u32 bytes) {
  constexpr u32 kUnrolledBytes = 128;
  const RegMask pinned = pinned_;
  u32 at = 0;
  if (bytes > kUnrolledBytes) {  // whole words in a loop that counts up to 0
    at = bytes / 8 * 8;
    const RegId n = allocate_gp();
    const Label loop = a_.newLabel();
    const auto end = static_cast<i32>(at);
    a_.mov(gp64(n), Imm(-end));
    a_.bind(loop);
    a_.mov(x86::r11, x86::ptr(gp64(from), gp64(n), 0, end, 8));
    x86::Mem place = frame(to, 8);
    place.setIndex(gp64(n));
    place.addOffset(end);
    a_.mov(place, x86::r11);
    a_.add(gp64(n), 8);
    a_.jnz(loop);
  }
  for (const u32 size : {16u, 8u, 4u, 2u, 1u})
    for (; bytes - at >= size; at += size) {
      const auto offset = static_cast<i32>(at);
      const x86::Mem source = x86::ptr(gp64(from), offset, size), place = frame(to + offset, size);
      if (size == 16) {
        load_vec(kScratchVec, source, size);
        store_vec(place, kScratchVec, size);
      } else {
        if (size < 4)
          a_.emit(Inst::kIdMovzx, x86::r11d, source);
        else
          a_.emit(Inst::kIdMov, gp(kScratchGp, size), source);
        a_.emit(Inst::kIdMov, place, gp(kScratchGp, size));
      }
    }
  pinned_ = pinned;
}

void Compiler::copy_arguments(std::span<const ValueId> arguments, const Passing& passing,
                              const ir::FunctionType& type) {
  for (const ir::ByValue& copy : type.by_value) {
    const Passed& where = passing.where[copy.parameter];
    const RegMask pinned = pinned_;
    copy_argument(fetch(arguments[copy.parameter]),
                  static_cast<i32>(where.stack_offset) -
                      static_cast<i32>(analysis_.outgoing_bytes),
                  copy.bytes);
    pinned_ = pinned;
  }
}

// ---- Atomics ------------------------------------------------------------------------------------

void Compiler::atomic(const Instruction& i) {
  switch (i.op) {
    case Op::atomic_load:
      return load(i);  // x86's own order is enough
    case Op::atomic_store:
      return store(i);
    case Op::fence:
      if (i.aux != 0) a_.mfence();
      return;
    case Op::atomic_compare:
      return atomic_compare(i);
    case Op::atomic_swap:
    case Op::atomic_add:
      return atomic_update(i);
    default:
      return atomic_logic(i);
  }
}

// Swap and add: the old value comes where the new one was.
void Compiler::atomic_update(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bytes = i.type.bytes();
  const x86::Mem at = address(operands[1], i.imm, bytes);
  const RegId t = allocate_gp();
  move_gp(t, get(operands[0]), bytes);
  if (i.op == Op::atomic_swap)
    emit(Inst::kIdXchg, at, gp(t, bytes));  // locks by itself
  else
    a_.lock().emit(Inst::kIdXadd, at, gp(t, bytes));
  if (info(i.result).uses != 0) bind(i.result, 0, t);
}

// And, or, xor: one locked instruction where nobody wants the old value, otherwise until nobody
// was faster.
void Compiler::atomic_logic(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bytes = i.type.bytes();
  const InstId op = i.op == Op::atomic_and  ? Inst::kIdAnd
                    : i.op == Op::atomic_or ? Inst::kIdOr
                                            : Inst::kIdXor;
  const bool wanted = info(i.result).uses != 0;
  if (wanted) claim(kRax);
  const x86::Mem at = address(operands[1], i.imm, bytes);
  const RegId value = fetch(operands[0]);
  if (!wanted) {
    a_.lock().emit(op, at, gp(value, bytes));
    return;
  }
  const RegId t = allocate_gp();
  const Label again = a_.newLabel();
  emit(bytes < 4 ? Inst::kIdMovzx : Inst::kIdMov, gp(kRax, std::max(bytes, 4u)), at);
  a_.bind(again);
  a_.mov(gp64(t), x86::rax);
  emit(op, gp(t, bytes), gp(value, bytes));
  a_.lock().emit(Inst::kIdCmpxchg, at, gp(t, bytes), gp(kRax, bytes));
  a_.jne(again);
  bind(i.result, 0, kRax);
}

void Compiler::atomic_compare(const Instruction& i) {
  const auto operands = f_.operands_of(i);
  const u32 bytes = i.type.bytes();
  claim(kRax);
  const x86::Mem at = address(operands[2], i.imm, bytes);
  const RegId fresh = fetch(operands[1]);
  move_gp(kRax, get(operands[0]), bytes);
  a_.lock().emit(Inst::kIdCmpxchg, at, gp(fresh, bytes), gp(kRax, bytes));
  if (info(i.result).uses != 0) bind(i.result, 0, kRax);
}

// ---- Stack space of variable size ---------------------------------------------------------------

void Compiler::stack_space(const Instruction& i) {
  if (i.op == Op::stack_restore) {
    a_.mov(x86::rsp, gp64(fetch(f_.operands_of(i)[0])));
    return;
  }
  if (i.op == Op::stack_save) {
    a_.mov(gp64(define(i.result, 0)), x86::rsp);
    return;
  }
  // The arguments of calls stay below.
  const RegId bytes = fetch(f_.operands_of(i)[0]);
  a_.mov(x86::r11, x86::rsp);
  a_.sub(x86::r11, gp64(bytes));
  a_.and_(x86::r11, -static_cast<i32>(analysis_.frame_alignment));
  a_.mov(x86::rsp, x86::r11);
  a_.lea(gp64(define(i.result, 0)),
         x86::ptr(x86::rsp, static_cast<i32>(analysis_.outgoing_bytes), 8));
}

}  // namespace bf::microjit::baseline
