#include "arch/x86/ranges.h"

#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr u64 kPage = platform::kPageBytes;

u64 page_down(u64 address) {
  return address & ~(kPage - 1);
}
// The last page of the address space cannot be rounded up; nothing lies there.
u64 page_up(u64 address) {
  return address > ~u64{0} - kPage ? page_down(address) : align_up(address, kPage);
}

}  // namespace

void RangeList::insert(usize at, Range range) {
  if (count_ == kCapacity) return;
  for (usize i = count_; i > at; --i) ranges_[i] = ranges_[i - 1];
  ranges_[at] = range;
  ++count_;
}

void RangeList::erase(usize at) {
  for (usize i = at + 1; i < count_; ++i) ranges_[i - 1] = ranges_[i];
  --count_;
}

void RangeList::add(Range range) {
  range = {page_up(range.start), page_down(range.end)};
  if (range.empty()) return;
  usize at = 0;
  while (at < count_ && ranges_[at].end < range.start) ++at;
  // Swallow all that the new range meets or touches.
  while (at < count_ && ranges_[at].start <= range.end) {
    if (ranges_[at].start < range.start) range.start = ranges_[at].start;
    if (ranges_[at].end > range.end) range.end = ranges_[at].end;
    erase(at);
  }
  insert(at, range);
}

void RangeList::remove(Range range) {
  range = {page_down(range.start), page_up(range.end)};
  if (range.empty()) return;
  for (usize i = 0; i < count_;) {
    const Range old = ranges_[i];
    if (old.end <= range.start || old.start >= range.end) {
      ++i;
      continue;
    }
    erase(i);
    if (old.start < range.start) insert(i++, {old.start, range.start});
    if (old.end > range.end) insert(i++, {range.end, old.end});
  }
}

u64 RangeList::bytes() const {
  u64 sum = 0;
  for (const Range& r : all()) sum += r.bytes();
  return sum;
}

}  // namespace bf::x86
