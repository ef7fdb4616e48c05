// Reverse post-order, predecessors and immediate dominators of a function's blocks.
//
// K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
#pragma once

#include "microjit/ir/module.h"

namespace bf::ir {

class Dominators {
 public:
  explicit Dominators(const Function& function);

  // Reachable blocks, entry first.
  const std::vector<BlockId>& reverse_post_order() const { return order_; }
  bool reachable(BlockId block) const { return position_[block] != kNone; }
  // Position of a reachable block in the reverse post-order.
  u32 position(BlockId block) const { return position_[block]; }
  // Once for each edge from a reachable block.
  std::span<const BlockId> predecessors(BlockId block) const {
    return {predecessors_.data() + first_predecessor_[block],
            first_predecessor_[block + 1] - first_predecessor_[block]};
  }
  // Whether every way to `b` (reachable) leads through `a`; a block dominates itself.
  bool dominates(BlockId a, BlockId b) const;
  BlockId immediate_dominator(BlockId block) const { return idom_[block]; }

 private:
  static constexpr u32 kNone = ~0u;
  void order_blocks(const Function& function);
  void list_predecessors(const Function& function);
  void find_dominators();
  void number_tree();

  std::vector<BlockId> order_;
  std::vector<u32> position_;
  std::vector<u32> first_predecessor_;  // by block, into predecessors_; one more at the end
  std::vector<BlockId> predecessors_;
  std::vector<BlockId> idom_;
  std::vector<u32> first_;    // pre-order number in the dominator tree
  std::vector<u32> subtree_;  // how many blocks the subtree has
};

}  // namespace bf::ir
