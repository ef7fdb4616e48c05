// Segments and the task state segment: long mode needs both, but only for interrupt stacks.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

inline constexpr u16 kCodeSelector = 0x08;
inline constexpr u16 kDataSelector = 0x10;
inline constexpr u16 kTaskSelector = 0x18;

// Every exception runs on a stack of its own kind (Intel SDM volume 3, 7.14.5): functions of the
// linked libraries use the red zone below the stack pointer, so no handler may share their stack.
// A fault inside a handler of another kind still finds a good stack.
enum class InterruptStack : u8 { Fault = 1, Debug, NonMaskable, DoubleFault, MachineCheck };
inline constexpr u32 kInterruptStackCount = 5;

// Loads segments and the task register; until set_interrupt_stack all kinds share one small stack.
void start_segments();

// Makes exceptions of this kind run below `top`.
void set_interrupt_stack(InterruptStack stack, u8* top);

}  // namespace bf::x86
