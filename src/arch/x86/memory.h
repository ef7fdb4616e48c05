// All memory of the machine: what is free, what is mapped how.
//
// The virtual address space:
//   0                 nothing, so that null pointers fault
//   0x1000            RAM one to one, writable, never executable; in it the kernel image with the
//                     permissions of its sections, and the boot modules, read-only until they are
//                     taken
//   0x100'0000'0000   code compiled at run time, executable, never writable
//   0x200'0000'0000   stacks, with an unmapped page below each
//   0x300'0000'0000   registers of devices that lie above the first TiB
#pragma once

#include <span>

#include "arch/x86/ranges.h"

namespace bf::x86 {

// Builds the page tables and switches to them. `ram` is what the firmware says is usable, `modules`
// what the boot loader has put there and must stay. Both may be in any order.
Result<void> start_memory(std::span<const Range> ram, std::span<const Range> modules);

// A thirty-second of RAM, 16 MiB at most, is set aside for pieces below 1 MiB: compiled code's tables
// and the heap's chunks come and go, and what is free for models does not change with them.
u64 free_memory_bytes();

// Where all RAM is: the parts together are the whole.
struct MemoryReport {
  u64 ram = 0;
  u64 low = 0;      // below 1 MiB
  u64 kernel = 0;   // its image
  u64 modules = 0;  // what the boot loader has put there, also when somebody has taken it over
  u64 tables = 0;   // page tables
  u64 stacks = 0;
  u64 code = 0;   // for compiled code, also what waits to be used again
  u64 pages = 0;  // of allocate_pages: the heap, the program's memory
  u64 free = 0;
  u64 aside = 0;   // free, but for small pieces alone (below 1 MiB)
  u64 beyond = 0;  // above the addresses that are mapped

  u64 sum() const {
    return low + kernel + modules + tables + stacks + code + pages + free + aside + beyond;
  }
};
MemoryReport memory_report();
// The largest piece that take_pages() could give.
u64 largest_free_piece();

// Contiguous memory, not zeroed, mapped one to one; null if there is not that much.
void* take_pages(usize bytes);

// Gives back a boot module that nobody needs any more, but for pages that hold something of another one.
void release_module(u64 address, usize bytes);

// Maps fresh memory at a fixed address, for a stack; false if there is not that much.
[[nodiscard]] bool map_fresh_pages(u64 virtual_address, usize bytes);

// Firmware tables may lie outside of what the memory map calls RAM: makes sure that they can be
// read. False if they cannot.
[[nodiscard]] bool make_readable(u64 physical_address, usize bytes);

// The registers of a device, never cached, one to one where they lie in the first TiB; null if that cannot
// be. Asked again for the same ones, it gives the same.
u8* map_device(u64 physical_address, usize bytes);

// The memory of a screen, mapped one to one; what is written there is gathered into long writes (write
// combining). False if it cannot be.
[[nodiscard]] bool map_framebuffer(u64 physical_address, usize bytes);

// A page of RAM below 1 MiB that nobody uses, mapped one to one; 0 if there is none.
u64 take_low_page();

// Boot modules are read-only until somebody takes one over. The pages that the bytes lie in become
// writable, the first and the last one as a whole. False if memory for tables ran out.
[[nodiscard]] bool make_writable(u64 address, usize bytes);

}  // namespace bf::x86
