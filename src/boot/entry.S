// From the boot loader's 32-bit protected mode to kernel_main in long mode.
//
// On entry (Multiboot2 specification 2.0, 3.3): EAX holds the magic number, EBX the address of the
// boot information, paging and interrupts are off, segments are flat, there is no stack.
//
// The page tables made here map the first 4 GiB one to one, everything allowed; they serve only
// until arch/x86/memory.cpp has made the real ones.

#define BOOTLOADER_MAGIC 0x36d76289
#define EARLY_STACK_BYTES 0x8000
#define GUARD_BYTES 0x1000

#include "boot/entry_bits.h"

#define EFLAGS_ID (1 << 21)
#define CPUID_LONG_MODE (1 << 29)
#define CPUID_NX (1 << 20)
#define CPUID_HYPERVISOR (1 << 31)

#define COM1 0x3f8
#define VGA_TEXT 0xb8000
#define DEBUG_EXIT_PORT 0xf4
#define DEBUG_EXIT_STATUS_1 2  // arch/x86/power.cpp says why it is the status plus one

  .code32
  .section .text.boot, "ax", @progbits
  .globl _start
  .type _start, @function
_start:
  cli
  cld
  mov $early_stack_top, %esp
  mov %eax, %ebp
  cmp $BOOTLOADER_MAGIC, %eax
  mov $message_magic, %esi
  jne refuse

  // A processor without CPUID cannot change EFLAGS.ID.
  pushfl
  pop %eax
  mov %eax, %ecx
  xor $EFLAGS_ID, %eax
  push %eax
  popfl
  pushfl
  pop %eax
  mov $message_long_mode, %esi
  cmp %ecx, %eax
  je refuse

  mov %ebx, %edi
  mov $0x80000000, %eax
  cpuid
  cmp $0x80000001, %eax
  jb refuse
  mov $0x80000001, %eax
  cpuid
  test $CPUID_LONG_MODE, %edx
  jz refuse
  mov %edx, %ebx  // kept for the NX bit; EDI holds the boot information, EBP the magic number

  rdtsc
  mov %eax, boot_first_ticks
  mov %edx, boot_first_ticks + 4

  mov $early_pdpt + (PAGE_PRESENT | PAGE_WRITABLE), %eax
  mov %eax, early_pml4
  mov $early_page_directories + (PAGE_PRESENT | PAGE_WRITABLE), %eax
  xor %ecx, %ecx
1:
  mov %eax, early_pdpt(, %ecx, 8)
  add $0x1000, %eax
  inc %ecx
  cmp $4, %ecx
  jb 1b
  mov $(PAGE_PRESENT | PAGE_WRITABLE | PAGE_LARGE), %eax
  xor %ecx, %ecx
2:
  mov %eax, early_page_directories(, %ecx, 8)
  add $0x200000, %eax
  inc %ecx
  cmp $2048, %ecx
  jb 2b

  mov $early_pml4, %eax
  mov %eax, %cr3
  mov %cr4, %eax
  or $(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT), %eax
  mov %eax, %cr4
  mov $MSR_EFER, %ecx
  rdmsr
  or $EFER_LME, %eax
  test $CPUID_NX, %ebx
  jz 3f
  or $EFER_NXE, %eax
  movl $EFER_NXE, boot_efer_bits
3:
  wrmsr
  mov %cr0, %eax
  and $~(CR0_EM | CR0_TS), %eax
  or $(CR0_PG | CR0_WP | CR0_NE | CR0_MP), %eax
  mov %eax, %cr0
  lgdt early_gdt_pointer
  ljmp $EARLY_CODE_64, $long_mode

// Says why the machine cannot be used (text in ESI) on COM1 and the VGA text screen, and stops.
refuse:
  mov %esi, %ebx
  mov $VGA_TEXT, %edi
next_character:
  movzbl (%ebx), %eax
  test %eax, %eax
  jz said
  inc %ebx
  cmp $'\n', %eax
  je no_screen
  mov %al, (%edi)
  movb $0x0f, 1(%edi)
  add $2, %edi
no_screen:
  // The line may be missing or stuck: the wait for its transmitter (line status, bit 5) is bounded.
  mov %al, %ah
  mov $100000, %ecx
  mov $COM1 + 5, %edx
4:
  in %dx, %al
  test $0x20, %al
  jnz 5f
  loop 4b
5:
  mov $COM1, %edx
  mov %ah, %al
  out %al, %dx
  jmp next_character
said:
  // Under a hypervisor this port may end the machine; real hardware is not touched. ESI tells
  // whether there is a CPUID at all: without one the flag below cannot be asked for.
  pushfl
  pop %eax
  mov %eax, %ecx
  xor $EFLAGS_ID, %eax
  push %eax
  popfl
  pushfl
  pop %eax
  cmp %ecx, %eax
  je stop
  mov $1, %eax
  cpuid
  test $CPUID_HYPERVISOR, %ecx
  jz stop
  mov $DEBUG_EXIT_STATUS_1, %eax
  mov $DEBUG_EXIT_PORT, %edx
  out %eax, %dx
stop:
  hlt
  jmp stop

  .code64
long_mode:
  clear_segments
  mov $early_stack_top, %rsp
  mov %edi, %edi  // the upper halves are undefined after the mode switch
  xor %ebp, %ebp  // backtraces end here
  call kernel_main
  ud2

// Calls entry() on another stack and never comes back: switch_stack(top, entry).
  .section .text.switch_stack, "ax", @progbits
  .globl bf_switch_stack
  .type bf_switch_stack, @function
bf_switch_stack:
  mov %rdi, %rsp
  xor %ebp, %ebp
  call *%rsi
  ud2

  .section .rodata.boot, "a", @progbits
message_long_mode:
  .asciz "error: this processor has no long mode (64-bit): BareFlow needs an x86-64 processor\n"
message_magic:
  .asciz "error: not started by a Multiboot2 boot loader: boot BareFlow's ISO, or GRUB's multiboot2\n"

  .balign 8
  .globl early_gdt
early_gdt:
  .quad 0
  .quad 0x00af9b000000ffff  // 64-bit code (Intel SDM volume 3, 3.4.5)
  .quad 0x00cf9b000000ffff  // 32-bit code
  .quad 0x00cf93000000ffff  // data
early_gdt_pointer:
  .short EARLY_GDT_BYTES - 1
  .long early_gdt

  .section .data.boot, "aw", @progbits
  .balign 8
  .globl boot_first_ticks
boot_first_ticks:
  .quad 0
  .globl boot_efer_bits  // what else the other cores set in EFER
boot_efer_bits:
  .long 0

  .section .bss.boot, "aw", @nobits
  .balign 4096
  .globl early_pml4
early_pml4: .skip 4096
early_pdpt: .skip 4096
early_page_directories: .skip 4 * 4096
  // The page below the early stack is unmapped in the real page tables.
  .globl early_stack_guard, early_stack_top
early_stack_guard: .skip GUARD_BYTES
  .skip EARLY_STACK_BYTES
early_stack_top:
