#include "arch/x86/memory.h"

#include <emmintrin.h>

#include <algorithm>
#include <iterator>

#include "arch/x86/frames.h"
#include "arch/x86/image.h"
#include "arch/x86/page_table.h"
#include "arch/x86/smp.h"
#include "arch/x86/spin_lock.h"
#include "runtime/platform.h"

namespace bf {

namespace x86 {

namespace {

constexpr u64 kLowMemoryEnd = 1 << 20;  // firmware, the VGA window, later the other cores' start
constexpr u64 kEarlyMappedEnd = u64{4} << 30;  // what entry.S has mapped
constexpr u64 kIdentityEnd = u64{1} << 40;
constexpr u64 kCodeStart = u64{1} << 40;
constexpr u64 kCodeEnd = u64{2} << 40;
constexpr u64 kFarStart = u64{3} << 40, kFarEnd = u64{4} << 40;
// Less than this and not even the kernel's own stacks and tables would leave room for a program.
constexpr u64 kLeastFreeBytes = u64{8} << 20;

// Set aside for small pieces, which come and go with what is compiled and said: so much of RAM.
constexpr u64 kAsideShare = 32;
constexpr u64 kMostAside = u64{16} << 20;

SpinLock lock;
constinit FrameAllocator frames;
constinit PageTable page_table;
u64 next_code_address = kCodeStart;
MemoryReport report;  // but for what is free
u64 aside_bytes = 0;  // for small pieces
u64 small_bytes = 0;  // of small pieces, in use; page tables are such
RangeList free_at_start;
constexpr u32 kMostModules = 64;  // whose ends are known
Range modules_there[kMostModules];
u32 module_count = 0;
RangeList free_low_pages;  // below 1 MiB

u64 address_of(const u8* symbol) {
  return reinterpret_cast<u64>(symbol);
}

u64 take_table_frame() {
  const u64 frame = frames.allocate(platform::kPageBytes);
  if (frame == 0) return 0;
  report.tables += platform::kPageBytes;
  small_bytes += platform::kPageBytes;
  return frame;
}

bool map_one_to_one(u64 start, u64 end, Access access) {
  return page_table.map(start, start, end - start, access);
}

bool map_kernel() {
  const u64 guard = address_of(early_stack_guard);
  const auto page_end = [](const u8* symbol) {
    return align_up(address_of(symbol), u64{platform::kPageBytes});
  };
  return map_one_to_one(address_of(kernel_text_start), page_end(kernel_text_end),
                        Access::ReadExecute) &&
         map_one_to_one(address_of(kernel_rodata_start), page_end(kernel_rodata_end),
                        Access::Read) &&
         map_one_to_one(address_of(kernel_data_start), guard, Access::ReadWrite) &&
         map_one_to_one(guard + platform::kPageBytes, page_end(kernel_data_end),
                        Access::ReadWrite) &&
         map_one_to_one(page_end(kernel_data_end), page_end(kernel_end), Access::Read);
}

bool map_modules(std::span<const Range> modules) {
  RangeList pages;  // modules may share a page, or be empty
  for (const Range& m : modules)
    pages.add(
        {m.start & ~u64{platform::kPageBytes - 1}, align_up(m.end, u64{platform::kPageBytes})});
  for (const Range& r : pages.all())
    if (!map_one_to_one(r.start, r.end, Access::Read)) return false;
  return true;
}

bool map_writable(const RangeList& ranges) {
  for (const Range& r : ranges.all())
    if (!map_one_to_one(r.start, r.end, Access::ReadWrite)) return false;
  return true;
}

bool map_all(std::span<const Range> modules) {
  // UEFI's GRUB may put small modules into the low memory.
  RangeList low_memory;
  low_memory.add({platform::kPageBytes, kLowMemoryEnd});
  for (const Range& m : modules) low_memory.remove(m);
  return page_table.start(take_table_frame) && map_kernel() && map_modules(modules) &&
         map_writable(low_memory) && map_writable(free_at_start);
}

bool is_small(u64 bytes) {
  return bytes < FrameAllocator::kLargeBytes;
}

// What is left of the memory for small pieces. The caller holds the lock.
u64 left_aside() {
  const u64 left = small_bytes < aside_bytes ? aside_bytes - small_bytes : 0;
  return left < frames.free_bytes() ? left : frames.free_bytes();
}

u64 free_for_all() {
  return frames.free_bytes() - left_aside();
}

// Pages of allocate_pages() that are so no longer.
void take_off_pages(u64 bytes) {
  report.pages -= bytes;
  if (is_small(bytes)) small_bytes -= bytes;
}

Range below(Range r, u64 limit) {
  return {r.start < limit ? r.start : limit, r.end < limit ? r.end : limit};
}

Error too_little(u64 free_bytes) {
  return Error::format(
      "not enough memory: %lu MiB are free after loading, at least %lu are needed: "
      "give the machine more (./bareflow run --mem 512M)",
      free_bytes >> 20, kLeastFreeBytes >> 20);
}

}  // namespace

Result<void> start_memory(std::span<const Range> ram, std::span<const Range> modules) {
  for (const Range& r : ram) {
    free_at_start.add(below(r, kIdentityEnd));
    report.ram += r.bytes();
    if (r.end > kIdentityEnd)
      report.beyond += r.end - (r.start > kIdentityEnd ? r.start : kIdentityEnd);
  }
  for (const Range& r : ram) free_low_pages.add(below(r, kLowMemoryEnd));
  free_low_pages.remove({0, platform::kPageBytes});
  for (const Range& m : modules) free_low_pages.remove(m);
  const auto take_out = [](Range r) {
    const u64 before = free_at_start.bytes();
    free_at_start.remove(r);
    return before - free_at_start.bytes();
  };
  report.low = take_out({0, kLowMemoryEnd});
  report.kernel = take_out({address_of(kernel_text_start), address_of(kernel_end)});
  for (const Range& m : modules) {
    report.modules += take_out(m);
    if (module_count < kMostModules) modules_there[module_count++] = m;
  }

  for (const Range& r : free_at_start.all()) frames.add(below(r, kEarlyMappedEnd));
  if (free_at_start.bytes() < kLeastFreeBytes || !map_all(modules))
    return too_little(free_at_start.bytes());
  page_table.load();
  for (const Range& r : free_at_start.all())
    if (r.end > kEarlyMappedEnd)
      frames.add({r.start > kEarlyMappedEnd ? r.start : kEarlyMappedEnd, r.end});
  aside_bytes = report.ram / kAsideShare < kMostAside ? report.ram / kAsideShare : kMostAside;
  aside_bytes &= ~u64{platform::kPageBytes - 1};
  return {};
}

u64 free_memory_bytes() {
  SpinGuard guard(lock);
  return free_for_all();
}

u64 largest_free_piece() {
  SpinGuard guard(lock);
  const u64 largest = frames.largest_free_bytes();
  return largest < free_for_all() ? largest : free_for_all();
}

MemoryReport memory_report() {
  SpinGuard guard(lock);
  MemoryReport now = report;
  now.free = free_for_all();
  now.aside = left_aside();
  return now;
}

void* take_pages(usize bytes) {
  if (bytes == 0 || bytes > kIdentityEnd) return nullptr;
  SpinGuard guard(lock);
  const usize rounded = align_up(bytes, platform::kPageBytes);
  if (!is_small(rounded) && rounded > free_for_all()) return nullptr;
  const u64 address = frames.allocate(rounded);
  if (address == 0) return nullptr;
  report.pages += rounded;
  if (is_small(rounded)) small_bytes += rounded;
  return reinterpret_cast<void*>(address);
}

void release_module(u64 address, usize bytes) {
  if (bytes == 0 || address < kLowMemoryEnd) return;  // that stays what it is
  constexpr u64 kPage = platform::kPageBytes;
  SpinGuard guard(lock);
  u64 first = address & ~(kPage - 1), end = align_up(address + bytes, kPage);
  for (u32 i = 0; i < module_count; ++i) {
    Range& m = modules_there[i];
    if (m.start == address && m.end == address + bytes) m = {};
    if (m.empty()) continue;
    if (m.start < first + kPage && m.end > first) first += kPage;
    if (m.start < end && m.end > end - kPage) end -= kPage;
  }
  if (first >= end) return;
  frames.release(first, end - first);
  report.modules -= end - first;
}

bool map_fresh_pages(u64 address, usize bytes) {
  SpinGuard guard(lock);
  const u64 physical = frames.allocate(bytes);
  if (physical == 0) return false;
  report.stacks += bytes;
  return page_table.map(address, physical, bytes, Access::ReadWrite);
}

bool make_readable(u64 address, usize bytes) {
  if (bytes == 0 || address >= kIdentityEnd || bytes > kIdentityEnd - address) return false;
  if (address < platform::kPageBytes) return false;
  SpinGuard guard(lock);
  const u64 first = address & ~u64{platform::kPageBytes - 1};
  for (u64 page = first; page < address + bytes; page += platform::kPageBytes)
    if (!page_table.is_mapped(page) &&
        !page_table.map(page, page, platform::kPageBytes, Access::Read))
      return false;
  return true;
}

bool make_writable(u64 address, usize bytes) {
  if (bytes == 0) return true;
  const u64 first = address & ~u64{platform::kPageBytes - 1};
  const u64 end = align_up(address + bytes, u64{platform::kPageBytes});
  bool done;
  {
    SpinGuard guard(lock);
    done = page_table.allow_writing(first, end - first);
  }
  flush_other_cores();
  return done;
}

// Where registers at `address` are seen; 0 if there is no room. Where firmware has much address space
// it puts large windows at its end: of what lies beyond the memory that is mapped one to one, blocks
// are shown in the order in which they are asked for. No device's registers cross the end of one,
// since they are aligned to their size.
u64 seen_at(u64 address) {
  constexpr u64 kBlockBytes = u64{1} << 36;
  static u64 blocks[(kFarEnd - kFarStart) / kBlockBytes];
  static u32 count = 0;
  if (address < kIdentityEnd) return address;
  const u64 offset = address % kBlockBytes;
  const auto end = blocks + count;
  const auto block = std::find(blocks, end, address - offset);
  if (block == end) {
    if (count == std::size(blocks)) return 0;
    blocks[count++] = address - offset;
  }
  return kFarStart + static_cast<u64>(block - blocks) * kBlockBytes + offset;
}

u8* map_device(u64 address, usize bytes) {
  constexpr u64 kPhysicalEnd = u64{1} << 52;
  const u64 first = address & ~u64{platform::kPageBytes - 1};
  const u64 end = align_up(address + bytes, u64{platform::kPageBytes});
  if (address == 0 || end > kPhysicalEnd || end <= first) return nullptr;
  SpinGuard guard(lock);
  const u64 seen = seen_at(first);
  if (seen == 0 || seen_at(end - 1) != seen + (end - 1 - first)) return nullptr;
  for (u64 at = 0; at < end - first; at += platform::kPageBytes)
    if (!page_table.is_mapped(seen + at) &&
        !page_table.map(seen + at, first + at, platform::kPageBytes, Access::Device))
      return nullptr;
  return reinterpret_cast<u8*>(seen + (address - first));
}

bool map_framebuffer(u64 address, usize bytes) {
  const u64 first = address & ~u64{platform::kPageBytes - 1};
  const u64 end = align_up(address + bytes, u64{platform::kPageBytes});
  if (address < kLowMemoryEnd || end > kIdentityEnd || end <= first) return false;
  SpinGuard guard(lock);
  for (u64 page = first; page < end; page += platform::kPageBytes)
    if (page_table.is_mapped(page)) return false;  // then it is something else
  return page_table.map(first, first, end - first, Access::Screen);
}

// From the top: the bottom of memory is where firmware is careless.
u64 take_low_page() {
  SpinGuard guard(lock);
  const auto free = free_low_pages.all();
  if (free.empty()) return 0;
  const u64 page = free.back().end - platform::kPageBytes;
  free_low_pages.remove({page, page + platform::kPageBytes});
  return page;
}

namespace {

// With SSE2 stores, which cost an emulator an eighth of what `rep stosb` does.
void zero_pages(void* memory, usize bytes) {
  auto* at = static_cast<__m128i*>(memory);
  const auto* end = at + bytes / sizeof *at;
  const __m128i zero = _mm_setzero_si128();
  for (; at < end; at += 8)
    for (int i = 0; i < 8; ++i) _mm_store_si128(at + i, zero);
}

}  // namespace

}  // namespace x86

void* platform::allocate_pages(usize bytes) {
  void* memory = x86::take_pages(bytes);
  if (memory != nullptr) x86::zero_pages(memory, align_up(bytes, kPageBytes));
  return memory;
}

void platform::free_pages(void* memory, usize bytes) {
  if (memory == nullptr || bytes == 0) return;
  x86::SpinGuard guard(x86::lock);
  x86::frames.release(reinterpret_cast<u64>(memory), align_up(bytes, kPageBytes));
  x86::take_off_pages(align_up(bytes, kPageBytes));
}

// Bare metal counts no mappings.
void platform::rest_code(const CodeMemory&) {}

namespace {

// Code memory that was given back keeps its two mappings and waits for the next taker.
constexpr u32 kMostSpareCode = 8;
platform::CodeMemory spare_code[kMostSpareCode];
u32 spare_code_count = 0;

platform::CodeMemory take_spare_code(usize bytes) {
  x86::SpinGuard guard(x86::lock);
  for (u32 i = 0; i < spare_code_count; ++i) {
    if (spare_code[i].bytes != bytes) continue;
    const platform::CodeMemory found = spare_code[i];
    spare_code[i] = spare_code[--spare_code_count];
    return found;
  }
  return {};
}

}  // namespace

void platform::free_code(const CodeMemory& memory) {
  constexpr int kBreakpoint = 0xcc;
  __builtin_memset(memory.write, kBreakpoint, memory.bytes);
  x86::SpinGuard guard(x86::lock);
  if (spare_code_count < kMostSpareCode) spare_code[spare_code_count++] = memory;
}

platform::CodeMemory platform::allocate_code(usize bytes) {
  if (bytes == 0 || bytes > x86::kCodeEnd - x86::kCodeStart) return {};
  const usize rounded = align_up(bytes, kPageBytes);
  if (const CodeMemory spare = take_spare_code(rounded); spare.write != nullptr) return spare;
  auto* write = static_cast<u8*>(allocate_pages(rounded));
  if (write == nullptr) return {};
  x86::SpinGuard guard(x86::lock);
  const u64 run = x86::next_code_address;
  if (rounded > x86::kCodeEnd - run ||
      !x86::page_table.map(run, reinterpret_cast<u64>(write), rounded, x86::Access::ReadExecute)) {
    x86::frames.release(reinterpret_cast<u64>(write), rounded);
    x86::take_off_pages(rounded);
    return {};
  }
  x86::take_off_pages(rounded);
  x86::report.code += rounded;
  // One unmapped page between two pieces.
  x86::next_code_address = run + rounded + kPageBytes;
  return {write, reinterpret_cast<const u8*>(run), rounded};
}

}  // namespace bf
