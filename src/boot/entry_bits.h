// Numbers that the entry points of all cores share. Intel SDM volume 3, 2.5 (control registers) and
// 4.5 (IA-32e paging). Read by the assembler.
#pragma once

#define CR0_PE (1 << 0)
#define CR0_MP (1 << 1)
#define CR0_EM (1 << 2)
#define CR0_TS (1 << 3)
#define CR0_NE (1 << 5)
#define CR0_WP (1 << 16)
#define CR0_PG (1 << 31)
#define CR4_PAE (1 << 5)
#define CR4_OSFXSR (1 << 9)
#define CR4_OSXMMEXCPT (1 << 10)
#define MSR_EFER 0xc0000080
#define EFER_LME (1 << 8)
#define EFER_NXE (1 << 11)
#define PAGE_PRESENT 1
#define PAGE_WRITABLE 2
#define PAGE_LARGE (1 << 7)

// entry.S's descriptors.
#define EARLY_CODE_64 0x08
#define EARLY_CODE_32 0x10
#define EARLY_DATA 0x18
#define EARLY_GDT_BYTES 32

// Segments that 64-bit code has no use for.
.macro clear_segments
  xor %eax, %eax
  mov %eax, %ds
  mov %eax, %es
  mov %eax, %ss
  mov %eax, %fs
  mov %eax, %gs
.endm
