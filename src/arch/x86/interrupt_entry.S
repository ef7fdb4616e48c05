// Entry points of the interrupts that are not exceptions. Each runs on the stack of its kind.
#include "arch/x86/entry_frame.h"

  .section .text.interrupt_entry, "ax", @progbits

#define BF_INTERRUPT(name, vector, text) \
  .balign 16;                            \
  interrupt_##name:                      \
  pushq $0;                              \
  pushq $vector;                         \
  jmp interrupt_common;
#include "arch/x86/interrupts.def"
#undef BF_INTERRUPT

  .balign 16
interrupt_common:
  enter_cpp bf_interrupt

// What nobody has asked for. There is one entry for all of them: which vector it was, nobody knows.
  .balign 16
  .globl bf_unknown_interrupt
bf_unknown_interrupt:
  pushq $0
  pushq $0
  enter_cpp bf_end_unknown_interrupt

// bf_call_on_stack(stack_pointer, function)
  .globl bf_call_on_stack
  .type bf_call_on_stack, @function
bf_call_on_stack:
  push %rbp
  mov %rsp, %rbp
  push %rbx
  push %rbx
  mov %rsp, %rbx
  mov %rdi, %rsp
  call *%rsi
  mov %rbx, %rsp
  pop %rbx
  pop %rbx
  pop %rbp
  ret

// bf_switch_task(u64* from, u64 to): the caller goes on when somebody switches to what is left at
// `from`. Interrupts are off.
  .globl bf_switch_task
  .type bf_switch_task, @function
bf_switch_task:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret

  .section .rodata.interrupt_entry, "a", @progbits
  .balign 8
  .globl bf_interrupt_entries
bf_interrupt_entries:
#define BF_INTERRUPT(name, vector, text) .quad vector, interrupt_##name;
#include "arch/x86/interrupts.def"
#undef BF_INTERRUPT
  .quad 0, 0
