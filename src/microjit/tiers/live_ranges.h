// Where exactly values are alive: for each, the stretches of positions (baseline_analysis.h) from its
// definition to its uses, with the holes between them, whatever the flow of control.
//
//   LiveRanges ranges(layout, predecessors of a function ...);
//   ranges.add_use(value, block, position);        // in any order
//   ranges.find(value, first_block, start, out);   // appends to `out`, ascending and disjoint
//
// The cost is that of the result: each block in which a value is alive is looked at once.
#pragma once

#include <vector>

#include "microjit/tiers/baseline_layout.h"

namespace bf::microjit::baseline {

// Closed: both ends belong to it.
struct Interval {
  u32 start, end;
};

class LiveRanges {
 public:
  // `block_start` and `block_end` by position in the layout.
  LiveRanges(const ir::Function& function, const Layout& layout,
             const std::vector<u32>& block_start, const std::vector<u32>& block_end);

  void add_use(ir::ValueId v, u32 block, u32 position) {
    uses_.push_back({block, position, first_use_[v]});
    first_use_[v] = static_cast<u32>(uses_.size());
  }
  // The value is written at `start` in `block`.
  void find(ir::ValueId v, u32 block, u32 start, std::vector<Interval>& out);

 private:
  struct Use {
    u32 block, position;
    u32 next;  // one more than its index, 0: none
  };
  void alive_in(u32 block, u32 last, u32 start, u32 first_block, std::vector<Interval>& out);

  const std::vector<u32>&block_start_, &block_end_;
  std::vector<u32> first_use_;  // by value
  std::vector<Use> uses_;
  std::vector<u32> first_predecessor_, predecessors_;  // by position in the layout
  std::vector<u32> seen_;  // by block: the last search that found the value alive at its end
  u32 search_ = 0;
  std::vector<u32> todo_;
};

}  // namespace bf::microjit::baseline
