// Stacks with an unmapped guard page below each, so that an overflow is a fault and not a wild
// write.
#pragma once

#include "arch/x86/gdt.h"

namespace bf::x86 {

// The stack the program runs on; the interpreter recurses on it.
inline constexpr usize kMainStackBytes = usize{4} << 20;
// Of each kind of interrupt, on each core.
inline constexpr usize kInterruptStackBytes = usize{16} << 10;
// Of a worker, which runs bodies of parallel loops.
inline constexpr usize kWorkerStackBytes = usize{1} << 20;

// The top of a new stack of `bytes` (whole pages, up to kMainStackBytes); null if there is not that
// much memory. Stacks are never given back.
u8* allocate_stack(usize bytes);

// Whether `address` lies in a guard page.
bool is_stack_guard(u64 address);

// Whether all of the bytes lie on one known stack.
bool is_on_stack(u64 address, usize bytes);

// The bytes of the known stack that `address` lies on, from `low` up to `high`; false if on none.
bool find_stack(u64 address, u64& low, u64& high);

// Gives each kind of exception on a core a guarded stack of its own; false if memory does not
// suffice.
[[nodiscard]] bool start_interrupt_stacks(Segments& segments);

// Continues with entry() on a stack; what is on the old one is never returned to.
extern "C" [[noreturn]] void bf_switch_stack(u8* top, void (*entry)());

}  // namespace bf::x86
