// Valgrind runs translations of the code that it has seen, and does not notice when code that lies in
// a file (as ours does, which is mapped twice) is written anew. So it is told.
//
//   forget_translations(run, bytes);   // before other code comes there
//
// A client request, as Valgrind's manual calls it ("The client request mechanism"): four rotations by
// 128 bits together and an exchange of a register with itself, which outside of Valgrind do nothing.
#pragma once

#include "runtime/base.h"

namespace bf {

inline void forget_translations(const void* start, usize bytes) {
  constexpr u64 kDiscardTranslations = 0x1002;
  const u64 request[6] = {kDiscardTranslations, reinterpret_cast<u64>(start), bytes};
  u64 result = 0;
  asm volatile(
      "rolq $3, %%rdi\n rolq $13, %%rdi\n rolq $61, %%rdi\n rolq $51, %%rdi\n"
      "xchgq %%rbx, %%rbx"
      : "+d"(result)
      : "a"(request)
      : "cc", "memory");
}

}  // namespace bf
