// Where the System V AMD64 ABI passes the parameters of a function: in the next register of their
// class, or among the stack arguments.
//
//   const ArgumentCount used = pass_arguments(type, [&](usize n, ArgumentPlace place) {
//     if (place.where == ArgumentPlace::General) ...   // parameter n is general register place.at
//   });
#pragma once

#include "microjit/ir/module.h"

namespace bf::microjit {

inline constexpr u32 kGeneralArguments = 6, kVectorArguments = 8;

struct ArgumentPlace {
  enum Where : u8 {
    General,  // rdi rsi rdx rcx r8 r9
    Vector,   // xmm0 to xmm7
    Stack,    // a word
    Copy,     // `bytes` bytes on the stack, of which the parameter is the address
  };
  Where where = General;
  u32 at = 0;     // number of the register, or byte offset from the first stack argument
  u32 bytes = 0;  // of a copy
};

struct ArgumentCount {
  u32 general = 0, vector = 0;  // registers
  u32 stack_bytes = 0;          // of stack arguments, a multiple of 8
};

template <class F>
ArgumentCount pass_arguments(const ir::FunctionType& type, F visit) {
  ArgumentCount used;
  usize next_copy = 0;
  for (usize n = 0; n < type.parameters.size(); ++n) {
    const ir::Kind kind = type.parameters[n];
    const bool vector = kind == ir::Kind::F32 || kind == ir::Kind::F64;
    ArgumentPlace place{ArgumentPlace::Stack, 0, 0};
    if (next_copy < type.by_value.size() && type.by_value[next_copy].parameter == n) {
      const ir::ByValue& copy = type.by_value[next_copy++];
      place = {ArgumentPlace::Copy, align_up(used.stack_bytes, 1u << copy.align_log2), copy.bytes};
      used.stack_bytes = place.at + align_up(copy.bytes, 8u);
    } else if (vector ? used.vector < kVectorArguments : used.general < kGeneralArguments) {
      place.where = vector ? ArgumentPlace::Vector : ArgumentPlace::General;
      place.at = vector ? used.vector++ : used.general++;
    } else {
      place.at = used.stack_bytes;
      used.stack_bytes += 8;
    }
    visit(n, place);
  }
  return used;
}
inline ArgumentCount count_arguments(const ir::FunctionType& type) {
  return pass_arguments(type, [](usize, ArgumentPlace) {});
}

// What a variadic function keeps of its arguments in registers for va_arg (System V AMD64 ABI,
// 3.5.7), and what va_start makes of it.
struct RegisterSaveArea {
  u64 general[kGeneralArguments];
  u64 vector[kVectorArguments][2];
};
static_assert(sizeof(RegisterSaveArea) == 176);
struct VaList {
  u32 general_offset, vector_offset;  // in the save area: the next argument
  void* stack;                        // the next stack argument
  void* save_area;
};
static_assert(sizeof(VaList) == 24);

// The offsets of a va_list that starts behind the named parameters.
inline VaList first_unnamed(const ir::FunctionType& type) {
  const ArgumentCount named = count_arguments(type);
  return {named.general * 8, kGeneralArguments * 8 + named.vector * 16, nullptr, nullptr};
}

}  // namespace bf::microjit
