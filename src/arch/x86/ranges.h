// Lists of physical address ranges: what the memory map says, minus what is taken.
//
//   RangeList free;
//   free.add({0x100000, 0x8000000});
//   free.remove({0x200000, 0x400000});  // leaves two ranges
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::x86 {

// Bytes from start up to, not including, end.
struct Range {
  u64 start = 0;
  u64 end = 0;

  bool empty() const { return start >= end; }
  u64 bytes() const { return empty() ? 0 : end - start; }
};

// Sorted, disjoint, never touching ranges of whole pages. When it is full, ranges are dropped
// rather than invented.
class RangeList {
 public:
  static constexpr usize kCapacity = 256;

  // Adds the whole pages inside `range`; parts that are already in the list are not added twice.
  void add(Range range);
  // Takes out every page that `range` touches.
  void remove(Range range);

  std::span<const Range> all() const { return {ranges_, count_}; }
  u64 bytes() const;

 private:
  void insert(usize at, Range range);
  void erase(usize at);

  Range ranges_[kCapacity];
  usize count_ = 0;
};

}  // namespace bf::x86
