// Entry points of the exceptions: each brings the stack to the form of ExceptionFrame
// (exceptions.h) and goes to bf_exception, which does not come back.
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
  and $-16, %rsp
  xor %ebp, %ebp
  call bf_exception
  ud2

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
