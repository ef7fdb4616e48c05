// Entry points of the exceptions: each brings the stack to the form of ExceptionFrame
// (exceptions.h) and goes to bf_exception, which comes back only where nothing is wrong. The kernel is
// compiled for SSE2, which leaves the upper halves of wider vector registers alone.
  .section .text.exception_entry, "ax", @progbits

#define BF_EXCEPTION(vector, name, error_code, stack) \
  .balign 16;                                         \
  exception_##vector:                                 \
  .if !error_code;                                    \
  pushq $0;                                           \
  .endif;                                             \
  pushq $vector;                                      \
  jmp exception_common;
#include "arch/x86/exceptions.def"
#undef BF_EXCEPTION

exception_common:
  cld
  push %r15
  push %r14
  push %r13
  push %r12
  push %r11
  push %r10
  push %r9
  push %r8
  push %rdi
  push %rsi
  push %rbp
  push %rbx
  push %rdx
  push %rcx
  push %rax
  mov %rsp, %rdi
  mov %rsp, %rbx
  sub $512, %rsp
  and $-16, %rsp
  fxsave64 (%rsp)
  xor %ebp, %ebp
  call bf_exception
  fxrstor64 (%rsp)
  mov %rbx, %rsp
  pop %rax
  pop %rcx
  pop %rdx
  pop %rbx
  pop %rbp
  pop %rsi
  pop %rdi
  pop %r8
  pop %r9
  pop %r10
  pop %r11
  pop %r12
  pop %r13
  pop %r14
  pop %r15
  add $16, %rsp
  iretq

  .balign 16
  .globl bf_panic_trap
bf_panic_trap:
  ud2

  .section .rodata.exception_entry, "a", @progbits
  .balign 8
  .globl bf_exception_entries
bf_exception_entries:
#define BF_EXCEPTION(vector, name, error_code, stack) .quad exception_##vector;
#include "arch/x86/exceptions.def"
