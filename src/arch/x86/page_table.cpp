#include "arch/x86/page_table.h"

#include <cstring>

#include "arch/x86/processor.h"
#include "arch/x86/registers.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr u64 kPresent = 1, kWritable = 2, kWriteThrough = 1 << 3, kUncached = 1 << 4, kLarge = 1 << 7;
constexpr u64 kNoExecute = u64{1} << 63;
constexpr u64 kAddressMask = 0x000f'ffff'ffff'f000;
constexpr u32 kEntries = 512;
constexpr int kTopLevel = 3;  // level 0 maps 4 KiB an entry, 1: 2 MiB, 2: 1 GiB, 3: 512 GiB

constexpr u64 level_bytes(int level) {
  return u64{platform::kPageBytes} << (9 * level);
}
constexpr u32 index_at(u64 address, int level) {
  return static_cast<u32>(address / level_bytes(level)) % kEntries;
}
u64* table_of(u64 entry) {
  return reinterpret_cast<u64*>(entry & kAddressMask);
}

bool is_leaf(u64 entry, int level) {
  return level == 0 || (entry & kLarge) != 0;
}

u64 zeroed_frame(TakeFrame take_frame) {
  const u64 frame = take_frame();
  if (frame != 0) std::memset(reinterpret_cast<void*>(frame), 0, platform::kPageBytes);
  return frame;
}

}  // namespace

// The page attribute table says what a page's bits for write-through (1) and uncached (2) together
// mean (Intel SDM volume 3, 11.12). Nothing is written through here, so that 1 can mean write combining;
// the others stay what they are at reset.
void start_memory_types() {
  constexpr u32 kMsrPat = 0x277;
  constexpr u64 kWriteCombining = 1;
  constexpr u32 kHasPat = 1 << 16;
  if ((cpuid(1).edx & kHasPat) == 0) return;  // then such pages are written through
  write_msr(kMsrPat, (read_msr(kMsrPat) & ~(u64{0xff} << 8)) | kWriteCombining << 8);
}

bool PageTable::start(TakeFrame take_frame) {
  take_frame_ = take_frame;
  root_ = reinterpret_cast<u64*>(zeroed_frame(take_frame));
  no_execute_ = has_no_execute() ? kNoExecute : 0;
  has_1g_pages_ = (cpuid(0x80000001).edx >> 26 & 1) != 0;  // Intel SDM volume 2, CPUID
  return root_ != nullptr;
}

u64* PageTable::entry_for(u64 address, int level) {
  u64* table = root_;
  for (int at = kTopLevel; at > level; --at) {
    u64& entry = table[index_at(address, at)];
    if (entry == 0) {
      const u64 frame = zeroed_frame(take_frame_);
      if (frame == 0) return nullptr;
      entry = frame | kPresent | kWritable;  // leaves decide
    }
    BF_ASSERT(!is_leaf(entry, at));
    table = table_of(entry);
  }
  return &table[index_at(address, level)];
}

bool PageTable::map(u64 to, u64 from, u64 bytes, Access access) {
  BF_ASSERT((to | from | bytes) % platform::kPageBytes == 0);
  const bool is_device = access == Access::Device, is_screen = access == Access::Screen;
  const u64 permissions = kPresent |
                          (access == Access::ReadWrite || is_device || is_screen ? kWritable : 0) |
                          (is_device ? kUncached | kWriteThrough : is_screen ? kWriteThrough : 0) |
                          (access == Access::ReadExecute ? 0 : no_execute_);
  while (bytes > 0) {
    int level = has_1g_pages_ ? 2 : 1;
    while ((to | from) % level_bytes(level) != 0 || bytes < level_bytes(level)) --level;
    u64* entry = entry_for(to, level);
    if (entry == nullptr) return false;
    BF_ASSERT(*entry == 0);
    *entry = from | permissions | (level > 0 ? kLarge : 0);
    to += level_bytes(level);
    from += level_bytes(level);
    bytes -= level_bytes(level);
  }
  return true;
}

// The page of an entry becomes a table of pages of the level below, with the same permissions.
bool PageTable::split(u64& entry, int level) {
  const u64 frame = zeroed_frame(take_frame_);
  if (frame == 0) return false;
  const u64 smaller = level > 1 ? entry : entry & ~kLarge;
  for (u32 i = 0; i < kEntries; ++i) table_of(frame)[i] = smaller + i * level_bytes(level - 1);
  entry = frame | kPresent | kWritable;  // leaves decide
  return true;
}

bool PageTable::allow_writing(u64 address, u64 bytes) {
  BF_ASSERT((address | bytes) % platform::kPageBytes == 0);
  const u64 end = address + bytes;
  while (address < end) {
    int level = kTopLevel;
    u64* entry = &root_[index_at(address, level)];
    for (;; --level, entry = &table_of(*entry)[index_at(address, level)]) {
      BF_ASSERT((*entry & kPresent) != 0);
      if (!is_leaf(*entry, level)) continue;
      const bool whole = address % level_bytes(level) == 0 && end - address >= level_bytes(level);
      if (whole || (*entry & kWritable) != 0) break;
      if (!split(*entry, level)) return false;
    }
    BF_ASSERT((*entry & kNoExecute) == no_execute_);
    *entry |= kWritable;
    address += level_bytes(level) - address % level_bytes(level);
  }
  load();  // forgets what the processor remembers of the tables
  return true;
}

bool PageTable::is_mapped(u64 address) const {
  const u64* table = root_;
  for (int level = kTopLevel;; --level) {
    const u64 entry = table[index_at(address, level)];
    if ((entry & kPresent) == 0) return false;
    if (is_leaf(entry, level)) return true;
    table = table_of(entry);
  }
}

void PageTable::load() const {
  write_cr3(reinterpret_cast<u64>(root_));
}

namespace {

void audit_table(PageAudit& audit, const u64* table, int level, u64 base, bool writable,
                 bool executable) {
  for (u32 i = 0; i < kEntries; ++i) {
    const u64 entry = table[i];
    if ((entry & kPresent) == 0) continue;
    const u64 address = base + i * level_bytes(level);
    const bool w = writable && (entry & kWritable) != 0;
    const bool x = executable && (entry & kNoExecute) == 0;
    if (!is_leaf(entry, level)) {
      audit_table(audit, table_of(entry), level - 1, address, w, x);
      continue;
    }
    (w ? audit.write_bytes : x ? audit.execute_bytes : audit.read_bytes) += level_bytes(level);
    ++audit.pages[level];
    if (address == 0) audit.null_page_mapped = true;
    if (w && x && audit.write_execute_pages++ == 0) audit.first_write_execute = address;
  }
}

}  // namespace

PageFacts look_up_page(u64 address) {
  constexpr u64 kEnd = level_bytes(kTopLevel) * kEntries / 2;  // the upper half is not used
  if (address >= kEnd) return {};
  const u64* table = table_of(read_cr3());
  for (int level = kTopLevel;; --level) {
    const u64 entry = table[index_at(address, level)];
    if ((entry & kPresent) == 0) return {};
    if (is_leaf(entry, level)) return {true, (entry & kUncached) != 0};
    table = table_of(entry);
  }
}

PageAudit audit_pages() {
  PageAudit audit;
  audit_table(audit, table_of(read_cr3()), kTopLevel, 0, true, true);
  return audit;
}

}  // namespace bf::x86
