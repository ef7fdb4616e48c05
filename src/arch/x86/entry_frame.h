// What every interrupted place goes through, exceptions and interrupts alike. Read by the assembler.
#pragma once

// On the stack: the processor's part, an error code, a vector. Makes an ExceptionFrame (exceptions.h)
// of it and calls function(frame), with the vector registers kept that C++ may use: the kernel is compiled
// for SSE2, which leaves the upper halves of wider ones alone. Then goes back.
.macro enter_cpp function
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
  call \function
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
.endm
