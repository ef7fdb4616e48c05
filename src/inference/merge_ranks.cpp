#include "inference/merge_ranks.h"

namespace inference {

namespace {

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
  if (!merges_.build(merges) || !ranks_.allocate(merges.count)) return false;
  for (u32 rank = 0; rank < merges.count; ++rank) {
    Text left, right;
    if (!divide(merges_[rank], left, right)) continue;
    const auto is_this = [&](u32 other) { return is_merge(other, left, right); };
    const u64 hash = ranks_.hash(left, right);
    // Of two that are the same, the first counts.
    if (ranks_.find(hash, is_this) == kNone &&
        ranks_.insert(hash, rank, is_this) == NameTable::kFull)
      return false;
  }
  return true;
}

u32 MergeRanks::find(Text left, Text right) const {
  return ranks_.find(ranks_.hash(left, right),
                     [&](u32 rank) { return is_merge(rank, left, right); });
}

bool MergeRanks::is_merge(u32 rank, Text left, Text right) const {
  Text other_left, other_right;
  return divide(merges_[rank], other_left, other_right) && other_left == left &&
         other_right == right;
}

}  // namespace inference
