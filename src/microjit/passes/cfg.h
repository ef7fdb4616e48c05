// What passes want to know of a graph's shape: order, predecessors, dominators, loops.
//
//   const Cfg cfg(graph);
//   for (const BlockId b : cfg.order()) ...
//
// A Cfg is the shape that the graph had when it was made: it is valid until blocks or edges change,
// and may be looked at longer. Making one is cheap as long as the shape is the one of the Cfg made
// last: they share it, whichever passes they belong to. Dominators and loops are found when
// somebody asks for them.
#pragma once

#include "microjit/passes/graph.h"

namespace bf::passes {

struct Loop {
  BlockId header;
  u32 parent;                   // index of the loop around it, or Cfg::kNoLoop
  u32 depth;                    // 1 for an outermost loop
  std::vector<BlockId> blocks;  // all, inner loops' too, in reverse post-order; header first
};
struct Predecessor {
  BlockId block;
  u32 edge;  // which edge of its terminator
};

// What Cfgs share. Only cfg.cpp changes it.
struct Shape {
  static constexpr u32 kNone = ~0u;

  void find(const Graph& graph);
  bool fits(const Graph& graph) const;
  void find_dominators();
  void find_loops();
  std::span<const Predecessor> predecessors_of(BlockId b) const {
    return {predecessors.data() + first_predecessor[b],
            first_predecessor[b + 1] - first_predecessor[b]};
  }

  u32 users = 0;
  bool has_dominators = false, has_loops = false;
  std::vector<BlockId> order;
  std::vector<BlockId> successors;  // of the blocks in order, one behind the other
  std::vector<u32> edge_counts;     // as many as `order`: how many successors
  std::vector<u32> position;
  std::vector<Predecessor> predecessors;
  std::vector<u32> first_predecessor;
  std::vector<BlockId> idom;
  std::vector<u32> number, subtree;  // pre-order in the dominator tree
  std::vector<Loop> loops;
  std::vector<u32> loop_of;
  bool irreducible = false;

 private:
  void find_order(const Graph& graph);
  void find_predecessors(const Graph& graph);
  void number_dominator_tree();
  void find_loop(BlockId header);
  std::vector<u32> scratch_;
  std::vector<BlockId> work_;
};

class Cfg {
 public:
  using Predecessor = passes::Predecessor;
  using Loop = passes::Loop;
  static constexpr u32 kNoLoop = ~0u;

  explicit Cfg(const Graph& graph);

  // Reachable blocks, entry first.
  const std::vector<BlockId>& order() const { return shape_->order; }
  bool reachable(BlockId b) const { return shape_->position[b] != Shape::kNone; }
  u32 position(BlockId b) const { return shape_->position[b]; }
  // Edges from reachable blocks only; a block with two edges to `b` is there twice.
  std::span<const Predecessor> predecessors(BlockId b) const { return shape_->predecessors_of(b); }
  BlockId immediate_dominator(BlockId b) const { return tree().idom[b]; }  // of the entry: itself
  bool dominates(BlockId a, BlockId b) const {
    const Shape& s = tree();
    return s.number[b] - s.number[a] < s.subtree[a];  // unsigned: false if b comes first
  }
  // Natural loops, outer ones before inner ones. Cycles with several entries are no loops.
  const std::vector<Loop>& loops() const { return nest().loops; }
  u32 loop_of(BlockId b) const { return nest().loop_of[b]; }  // the innermost one, or kNoLoop
  u32 depth(BlockId b) const {
    const u32 l = loop_of(b);
    return l == kNoLoop ? 0 : shape_->loops[l].depth;
  }
  bool in_loop(BlockId b, u32 loop) const;
  // Whether it is the header of a natural loop; needs no loops.
  bool is_header(BlockId b) const;
  // Whether some cycle is not a natural loop.
  bool irreducible() const { return nest().irreducible; }

 private:
  const Shape& tree() const {
    if (!shape_->has_dominators) shape_->find_dominators();
    return *shape_;
  }
  const Shape& nest() const {
    if (!shape_->has_loops) shape_->find_loops();
    return *shape_;
  }

  ShapeRef shape_;
};

}  // namespace bf::passes
