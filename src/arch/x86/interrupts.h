// Interrupts from other cores, timers and devices: interrupts.def lists them. They do very little,
// most of them nothing but end a `hlt`.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

#define BF_INTERRUPT(name, vector, text) inline constexpr u8 k##name##Vector = vector;
#include "arch/x86/interrupts.def"
#undef BF_INTERRUPT

inline constexpr u64 kInterruptFlag = 1 << 9;

// Gives back the flags as they were.
inline u64 disable_interrupts() {
  u64 flags;
  asm volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
  return flags;
}
inline void enable_interrupts() {
  asm volatile("sti" : : : "memory");
}
inline void restore_interrupts(u64 flags) {
  if ((flags & kInterruptFlag) != 0) enable_interrupts();
}

// What Call runs on the interrupted stack.
void set_call_hook(void (*hook)());

}  // namespace bf::x86
