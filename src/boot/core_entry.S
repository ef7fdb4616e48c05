// From real mode to bf_core_main, for every core but the first (Intel SDM volume 3, 8.4). The first
// core copies what lies between bf_core_entry_start and _end to a page below 1 MiB and starts the
// others there; what follows runs in the kernel image, with entry.S's descriptors, and at first with
// its page tables.

#include "boot/entry_bits.h"

  .section .rodata.core_entry, "a", @progbits
  .code16
  .globl bf_core_entry_start, bf_core_entry_end
bf_core_entry_start:
  cli
  cld
  mov %cs, %ax
  mov %ax, %ds
  lgdtl early_gdt_copy - bf_core_entry_start
  mov $(CR0_PE | CR0_NE), %eax  // caches on (CD and NW are 0)
  mov %eax, %cr0
  ljmpl $EARLY_CODE_32, $core_entry_32
  .balign 4
early_gdt_copy:
  .short EARLY_GDT_BYTES - 1
  .long early_gdt
bf_core_entry_end:

  .section .text.boot, "ax", @progbits
  .code32
core_entry_32:
  mov $EARLY_DATA, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov $early_pml4, %eax
  mov %eax, %cr3
  mov $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
  mov %eax, %cr4
  mov $MSR_EFER, %ecx
  rdmsr
  or $EFER_LME, %eax
  or boot_efer_bits, %eax
  wrmsr
  mov $(CR0_PE | CR0_PG | CR0_WP | CR0_NE | CR0_MP), %eax
  mov %eax, %cr0
  ljmp $EARLY_CODE_64, $core_entry_64

  .code64
core_entry_64:
  clear_segments
  xor %edi, %edi
  xchg %rdi, bf_core_waiting  // who takes it, comes; who finds nothing, was given up
  test %rdi, %rdi
  jz 1f
  mov bf_core_page_table, %rax
  mov %rax, %cr3
  mov %rdi, %rsp
  mov (%rsp), %rdi  // the Core
  xor %ebp, %ebp
  call bf_core_main
1:
  cli
  hlt
  jmp 1b

  .section .data.boot, "aw", @progbits
  .balign 8
  .globl bf_core_waiting, bf_core_page_table
bf_core_waiting:
  .quad 0
bf_core_page_table:
  .quad 0
