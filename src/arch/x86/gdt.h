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
enum class InterruptStack : u8 { Fault = 1, Debug, NonMaskable, DoubleFault, MachineCheck, Interrupt };
inline constexpr u32 kInterruptStackCount = 6;

// Intel SDM volume 3, 7.7 (figure 7-11).
struct [[gnu::packed]] TaskState {
  u32 reserved0;
  u64 rsp[3];
  u64 reserved1;
  u64 ist[7];
  u64 reserved2;
  u16 reserved3;
  u16 io_map_base;
};
static_assert(sizeof(TaskState) == 104);

// What each core has of its own; zero at first.
struct Segments {
  TaskState state;
  u64 table[5];
};

// Loads segments and the task register of the calling core. Until set_interrupt_stack, all kinds of
// interrupts share one small stack, which is the first core's.
void start_segments(Segments& segments);

// Makes exceptions of this kind run below `top`.
void set_interrupt_stack(Segments& segments, InterruptStack stack, u8* top);

}  // namespace bf::x86
