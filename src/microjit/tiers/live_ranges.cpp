#include "microjit/tiers/live_ranges.h"

#include <algorithm>

namespace bf::microjit::baseline {

LiveRanges::LiveRanges(const ir::Function& f, const Layout& layout,
                       const std::vector<u32>& block_start, const std::vector<u32>& block_end)
    : block_start_(block_start),
      block_end_(block_end),
      first_use_(f.values.size(), 0),
      first_predecessor_(layout.order.size() + 1, 0),
      seen_(layout.order.size(), 0) {
  const u32 blocks = static_cast<u32>(layout.order.size());
  const auto edges = [&](u32 k) { return f.edges_of(f.terminator(f.blocks[layout.order[k]])); };
  for (u32 k = 0; k < blocks; ++k)
    for (const ir::Edge& e : edges(k)) ++first_predecessor_[layout.position[e.block] + 1];
  for (u32 k = 0; k < blocks; ++k) first_predecessor_[k + 1] += first_predecessor_[k];
  predecessors_.resize(first_predecessor_[blocks]);
  std::vector<u32> next(first_predecessor_.begin(), first_predecessor_.end() - 1);
  for (u32 k = 0; k < blocks; ++k)
    for (const ir::Edge& e : edges(k)) predecessors_[next[layout.position[e.block]]++] = k;
}

// Alive in `block` up to position `last`, and so from its start on, unless it is written there.
void LiveRanges::alive_in(u32 block, u32 last, u32 start, u32 first_block,
                          std::vector<Interval>& out) {
  if (block == first_block && last >= start) {
    out.push_back({start, last});
    return;
  }
  out.push_back({block_start_[block], last});
  for (u32 n = first_predecessor_[block]; n < first_predecessor_[block + 1]; ++n) {
    const u32 before = predecessors_[n];
    if (seen_[before] == search_) continue;
    seen_[before] = search_;
    todo_.push_back(before);
  }
}

void LiveRanges::find(ir::ValueId v, u32 first_block, u32 start, std::vector<Interval>& out) {
  ++search_;
  const usize first = out.size();
  out.push_back({start, start});
  for (u32 n = first_use_[v]; n != 0; n = uses_[n - 1].next)
    alive_in(uses_[n - 1].block, uses_[n - 1].position, start, first_block, out);
  while (!todo_.empty()) {
    const u32 block = todo_.back();
    todo_.pop_back();
    alive_in(block, block_end_[block], start, first_block, out);
  }
  const auto begin = out.begin() + static_cast<std::ptrdiff_t>(first);
  std::sort(begin, out.end(), [](const Interval& x, const Interval& y) {
    return x.start != y.start ? x.start < y.start : x.end < y.end;
  });
  // What touches becomes one; two positions apart are neighbouring blocks.
  usize last = first;
  for (usize n = first + 1; n < out.size(); ++n)
    if (out[n].start <= out[last].end + 2)
      out[last].end = std::max(out[last].end, out[n].end);
    else
      out[++last] = out[n];
  out.resize(last + 1);
}

}  // namespace bf::microjit::baseline
