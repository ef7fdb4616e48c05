#include "arch/x86/frames.h"

#include "runtime/platform.h"

namespace bf::x86 {

void FrameAllocator::add(Range range) {
  if (range.empty()) return;
  BF_ASSERT(range.start != 0 && (range.start | range.end) % platform::kPageBytes == 0);
  FreeRange* before = nullptr;
  FreeRange* after = first_;
  while (after != nullptr && after->start() < range.start) {
    before = after;
    after = after->next;
  }
  BF_ASSERT(before == nullptr || before->end() <= range.start);
  BF_ASSERT(after == nullptr || range.end <= after->start());
  free_bytes_ += range.bytes();

  auto* added = reinterpret_cast<FreeRange*>(range.start);
  *added = {after, range.bytes()};
  if (after != nullptr && added->end() == after->start()) {
    added->bytes += after->bytes;
    added->next = after->next;
  }
  if (before == nullptr) {
    first_ = added;
  } else if (before->end() == added->start()) {
    before->bytes += added->bytes;
    before->next = added->next;
  } else {
    before->next = added;
  }
}

u64 FrameAllocator::largest_free_bytes() const {
  u64 largest = 0;
  for (const FreeRange* range = first_; range != nullptr; range = range->next)
    largest = range->bytes > largest ? range->bytes : largest;
  return largest;
}

// Small pieces, many of which stay, from the bottom, large ones from the top: a small one in the middle
// of what a model has left would keep the next model out.
u64 FrameAllocator::allocate(u64 bytes) {
  BF_ASSERT(bytes > 0 && bytes % platform::kPageBytes == 0);
  const bool from_top = bytes >= kLargeBytes;
  FreeRange** found = nullptr;
  for (FreeRange** link = &first_; *link != nullptr; link = &(*link)->next) {
    if ((*link)->bytes < bytes) continue;
    found = link;
    if (!from_top) break;
  }
  if (found == nullptr) return 0;
  FreeRange* const taken = *found;
  free_bytes_ -= bytes;
  if (taken->bytes == bytes) {
    *found = taken->next;
    return taken->start();
  }
  if (from_top) {
    taken->bytes -= bytes;
    return taken->end();
  }
  auto* const rest = reinterpret_cast<FreeRange*>(taken->start() + bytes);
  *rest = {taken->next, taken->bytes - bytes};
  *found = rest;
  return reinterpret_cast<u64>(taken);
}

}  // namespace bf::x86
