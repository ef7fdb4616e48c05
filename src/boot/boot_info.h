// The Multiboot2 boot information: checked once, copied, and then forgotten.
//
// parse_boot_info is a pure function over bytes, tested and fuzzed on the host: it never reads
// outside of the span, whatever the bytes say, and gives back copies, so that the original may be
// overwritten. Specification: Multiboot2 2.0, section 3.6.
#pragma once

#include <span>
#include <string_view>

#include "arch/x86/screen/framebuffer.h"
#include "runtime/base.h"

namespace bf::boot {

struct MemoryRange {
  enum class Kind : u8 { Usable = 1, Reserved = 2, AcpiTables = 3, AcpiStorage = 4, Bad = 5 };
  u64 start = 0;
  u64 bytes = 0;
  Kind kind = Kind::Reserved;
};

// A file that the boot loader has read. The first word of its command line is its name, what
// follows is dropped.
struct Module {
  char name[24] = {};
  u32 start = 0;
  u32 end = 0;
};

struct TextScreen {
  u64 address = 0;  // 0: there is none
  u32 columns = 0;
  u32 rows = 0;
};

struct BootInfo {
  static constexpr usize kMaxMemoryRanges = 256, kMaxModules = 16, kMaxCommandLine = 2048;

  MemoryRange memory[kMaxMemoryRanges];
  usize memory_count = 0;
  Module modules[kMaxModules];
  usize module_count = 0;
  char command_line[kMaxCommandLine] = {};
  char loader[64] = {};
  TextScreen screen;
  x86::PixelScreen pixels;  // as the boot loader says: not checked
  u8 acpi_root_pointer[64] = {};  // the newest version there is
  usize acpi_root_pointer_bytes = 0;

  std::span<const MemoryRange> memory_ranges() const { return {memory, memory_count}; }
  std::span<const Module> module_list() const { return {modules, module_count}; }
};

// Reads the tags into `info`. `bytes` may be longer than the structure.
Result<void> parse_boot_info(std::span<const u8> bytes, BootInfo& info);

// How many bytes the structure that starts with these 8 bytes says it has.
usize boot_info_bytes(std::span<const u8, 8> header);

}  // namespace bf::boot
