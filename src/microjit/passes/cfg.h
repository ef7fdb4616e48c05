// What passes want to know of a graph's shape: order, predecessors, dominators, loops. Valid until
// blocks or edges change.
#pragma once

#include "microjit/passes/graph.h"

namespace bf::passes {

class Cfg {
 public:
  explicit Cfg(const Graph& graph);

  struct Predecessor {
    BlockId block;
    u32 edge;  // which edge of its terminator
  };
  struct Loop {
    BlockId header;
    u32 parent;                  // index of the loop around it, or kNoLoop
    u32 depth;                   // 1 for an outermost loop
    std::vector<BlockId> blocks;  // all, inner loops' too, in reverse post-order; header first
  };
  static constexpr u32 kNoLoop = ~0u;

  // Reachable blocks, entry first.
  const std::vector<BlockId>& order() const { return order_; }
  bool reachable(BlockId b) const { return position_[b] != kNone; }
  u32 position(BlockId b) const { return position_[b]; }
  // Edges from reachable blocks only; a block with two edges to `b` is there twice.
  std::span<const Predecessor> predecessors(BlockId b) const {
    return {predecessors_.data() + first_predecessor_[b],
            first_predecessor_[b + 1] - first_predecessor_[b]};
  }
  BlockId immediate_dominator(BlockId b) const { return idom_[b]; }  // of the entry: itself
  bool dominates(BlockId a, BlockId b) const {
    return number_[b] - number_[a] < subtree_[a];  // unsigned: false if b comes first
  }
  // Natural loops, outer ones before inner ones. Cycles with several entries are no loops.
  const std::vector<Loop>& loops() const { return loops_; }
  u32 loop_of(BlockId b) const { return loop_of_[b]; }  // the innermost one, or kNoLoop
  u32 depth(BlockId b) const { return loop_of_[b] == kNoLoop ? 0 : loops_[loop_of_[b]].depth; }
  bool in_loop(BlockId b, u32 loop) const;
  bool is_header(BlockId b) const { return loop_of_[b] != kNoLoop && loops_[loop_of_[b]].header == b; }
  // Whether some cycle is not a natural loop.
  bool irreducible() const { return irreducible_; }

 private:
  static constexpr u32 kNone = ~0u;
  void find_order(const Graph& graph);
  void find_predecessors(const Graph& graph);
  void find_dominators();
  void find_loops();

  std::vector<BlockId> order_;
  std::vector<u32> position_;
  std::vector<Predecessor> predecessors_;
  std::vector<u32> first_predecessor_;
  std::vector<BlockId> idom_;
  std::vector<u32> number_, subtree_;  // pre-order in the dominator tree
  std::vector<Loop> loops_;
  std::vector<u32> loop_of_;
  bool irreducible_ = false;
};

}  // namespace bf::passes
