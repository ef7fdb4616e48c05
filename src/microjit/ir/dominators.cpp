#include "microjit/ir/dominators.h"

#include <algorithm>

namespace bf::ir {

Dominators::Dominators(const Function& function) {
  position_.assign(function.blocks.size(), kNone);
  idom_.assign(function.blocks.size(), kNone);
  first_.assign(function.blocks.size(), 0);
  subtree_.assign(function.blocks.size(), 0);
  order_blocks(function);
  list_predecessors(function);
  find_dominators();
}

// Depth first without recursion: hostile images may nest as deep as they are long.
void Dominators::order_blocks(const Function& function) {
  struct Visit {
    BlockId block;
    u32 next_edge;
  };
  constexpr u32 kSeen = kNone - 1;  // until the order is known
  std::vector<Visit> stack{{0, 0}};
  position_[0] = kSeen;
  while (!stack.empty()) {
    Visit& visit = stack.back();
    const Instruction& last = function.terminator(function.blocks[visit.block]);
    if (visit.next_edge == last.edge_count) {
      order_.push_back(visit.block);
      stack.pop_back();
      continue;
    }
    const BlockId next = function.edges[last.first_edge + visit.next_edge++].block;
    if (position_[next] == kNone) {
      position_[next] = kSeen;
      stack.push_back({next, 0});
    }
  }
  std::reverse(order_.begin(), order_.end());
  for (u32 i = 0; i < order_.size(); ++i) position_[order_[i]] = i;
}

void Dominators::list_predecessors(const Function& function) {
  const auto each_edge = [&](auto body) {
    for (const BlockId from : order_)
      for (const Edge& edge : function.edges_of(function.terminator(function.blocks[from])))
        body(from, edge.block);
  };
  // Counted, added up to where each block's end, then filled in from there down to where they begin.
  first_predecessor_.assign(function.blocks.size() + 1, 0);
  each_edge([&](BlockId, BlockId to) { ++first_predecessor_[to]; });
  u32 total = 0;
  for (u32& first : first_predecessor_) first = total += first;
  predecessors_.resize(total);
  each_edge([&](BlockId from, BlockId to) { predecessors_[--first_predecessor_[to]] = from; });
}

void Dominators::find_dominators() {
  idom_[0] = 0;
  const auto meet = [&](BlockId a, BlockId b) {
    while (a != b) {
      while (position_[a] > position_[b]) a = idom_[a];
      while (position_[b] > position_[a]) b = idom_[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (const BlockId block : order_) {
      if (block == 0) continue;
      BlockId dominator = kNone;
      for (const BlockId p : predecessors(block))
        if (idom_[p] != kNone) dominator = dominator == kNone ? p : meet(p, dominator);
      if (idom_[block] != dominator) {
        idom_[block] = dominator;
        changed = true;
      }
    }
  }
  number_tree();
}

// Every block gets the interval of pre-order numbers of its dominator subtree, so that dominance
// is two comparisons however deep the tree is.
void Dominators::number_tree() {
  std::vector<u32> next(idom_.size());
  for (usize i = order_.size(); i-- > 0;) {
    const BlockId block = order_[i];
    ++subtree_[block];
    if (block != 0) subtree_[idom_[block]] += subtree_[block];
  }
  for (const BlockId block : order_) {
    if (block != 0) {
      first_[block] = next[idom_[block]];
      next[idom_[block]] += subtree_[block];
    }
    next[block] = first_[block] + 1;
  }
}

bool Dominators::dominates(BlockId a, BlockId b) const {
  return first_[a] <= first_[b] && first_[b] < first_[a] + subtree_[a];
}

}  // namespace bf::ir
