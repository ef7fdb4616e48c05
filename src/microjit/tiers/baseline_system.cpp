// Variadic functions, and arguments passed by value.
#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;
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

}  // namespace bf::microjit::baseline
