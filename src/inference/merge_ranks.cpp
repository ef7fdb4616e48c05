#include "inference/merge_ranks.h"

namespace inference {

namespace {

constexpr u64 kMostProbes = 1000;
constexpr u64 kNowhere = UINT64_MAX;

// Divides at the first space that is not the first byte.
bool divide(Text merge, Text& left, Text& right) {
  for (u64 at = 1; at < merge.size; ++at) {
    if (merge[at] != ' ') continue;
    left = {merge.data, at};
    right = merge.from(at + 1);
    return true;
  }
  return false;
}

}  // namespace

bool MergeRanks::build(const GgufArray& merges) {
  u64 slots = 16;
  while (slots < merges.count * 2) slots *= 2;
  if (!slots_.allocate(slots)) return false;
  mask_ = slots - 1;
  seed_ = bf_random_seed();
  GgufStrings strings(merges);
  for (u32 rank = 0; rank < merges.count; ++rank) {
    Text left, right;
    const Text merge = strings.next();
    if (merge.size > UINT32_MAX || !divide(merge, left, right)) continue;
    const u64 at = locate(left, right);
    if (at == kNowhere) return false;
    // Of two that are the same, the first counts.
    if (slots_[at].text == nullptr)
      slots_[at] = {left.data, static_cast<u32>(left.size), static_cast<u32>(right.size), rank};
  }
  return true;
}

u64 MergeRanks::locate(Text left, Text right) const {
  u64 at = hash_text(right, hash_text(left, seed_)) & mask_;
  for (u64 probe = 0; probe < kMostProbes; ++probe) {
    const Slot& slot = slots_[at];
    if (slot.text == nullptr) return at;
    if (Text(slot.text, slot.left_bytes) == left &&
        Text(slot.text + slot.left_bytes + 1, slot.right_bytes) == right)
      return at;
    at = (at + 1) & mask_;
  }
  return kNowhere;
}

u32 MergeRanks::find(Text left, Text right) const {
  if (slots_.size() == 0) return kNone;
  const u64 at = locate(left, right);
  return at == kNowhere || slots_[at].text == nullptr ? kNone : slots_[at].rank;
}

}  // namespace inference
