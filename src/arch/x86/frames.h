// The allocator of physical memory: whole pages; small pieces from the bottom, large ones from the top,
// where they fit first. Free ranges are kept as a list inside
// themselves, sorted by address and merged, so there can be any number of them. Physical addresses
// are virtual ones here: all RAM is mapped one to one.
#pragma once

#include "arch/x86/ranges.h"

namespace bf::x86 {

class FrameAllocator {
 public:
  static constexpr u64 kLargeBytes = u64{1} << 20;

  // Adds free pages; they must be mapped, must not overlap what is free, and not hold address 0.
  void add(Range range);

  // `bytes` (whole pages) of contiguous memory, not zeroed; 0 if there is no such range.
  u64 allocate(u64 bytes);
  void release(u64 address, u64 bytes) { add({address, address + bytes}); }

  u64 free_bytes() const { return free_bytes_; }
  // The most that allocate() could give.
  u64 largest_free_bytes() const;

 private:
  struct FreeRange {
    FreeRange* next;
    u64 bytes;
    u64 start() const { return reinterpret_cast<u64>(this); }
    u64 end() const { return start() + bytes; }
  };

  FreeRange* first_ = nullptr;
  u64 free_bytes_ = 0;
};

}  // namespace bf::x86
