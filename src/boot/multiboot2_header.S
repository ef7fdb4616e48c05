// The Multiboot2 header: what the boot loader must do for us (Multiboot2 specification 2.0, 3.1).
// Must lie in the first 32 KiB of the file; the linker script puts it first.
#define MAGIC 0xe85250d6
#define ARCHITECTURE_I386 0
#define TAG_END 0
#define TAG_INFORMATION_REQUEST 1
#define TAG_CONSOLE_FLAGS 4
#define TAG_FRAMEBUFFER 5
#define TAG_MODULE_ALIGN 6
#define OPTIONAL 1
#define EGA_TEXT_SUPPORTED 2

  .section .multiboot2, "a", @progbits
  .balign 8
header:
  .long MAGIC, ARCHITECTURE_I386, header_end - header
  .long 0x100000000 - (MAGIC + ARCHITECTURE_I386 + (header_end - header))

request:
  .short TAG_INFORMATION_REQUEST, OPTIONAL
  .long request_end - request
  .long 1, 3, 6, 8, 14, 15  // command line, modules, memory map, framebuffer, ACPI old and new
request_end:

  .balign 8
  .short TAG_CONSOLE_FLAGS, OPTIONAL
  .long 12, EGA_TEXT_SUPPORTED

  .balign 8
  .short TAG_FRAMEBUFFER, OPTIONAL
  .long 20
  .long 0, 0, 0  // any width, height and depth: grub.cfg says which

  .balign 8
  .short TAG_MODULE_ALIGN, OPTIONAL
  .long 8

  .balign 8
  .short TAG_END, 0
  .long 8
header_end:
