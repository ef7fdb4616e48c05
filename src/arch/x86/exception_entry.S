// Entry points of the exceptions: each goes to bf_exception, which comes back only where nothing is
// wrong.
#include "arch/x86/entry_frame.h"

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

// Nobody here sets CR0.TS; but where it is set, the report of that would be a fault by itself.
exception_common:
  clts
  enter_cpp bf_exception

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
