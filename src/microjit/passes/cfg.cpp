#include "microjit/passes/cfg.h"

#include <algorithm>

namespace bf::passes {

Cfg::Cfg(const Graph& graph) {
  find_order(graph);
  find_predecessors(graph);
  find_dominators();
  find_loops();
}

// Depth first without recursion, as deep as the function is long. The last edge is visited first,
// so that the first one's target comes right after its block.
void Cfg::find_order(const Graph& graph) {
  struct Visit {
    BlockId block;
    u32 edges_left;
  };
  position_.assign(graph.blocks.size(), kNone);
  std::vector<bool> seen(graph.blocks.size());
  std::vector<Visit> stack{{0, graph.terminator(0).edge_count}};
  seen[0] = true;
  while (!stack.empty()) {
    Visit& visit = stack.back();
    if (visit.edges_left == 0) {
      order_.push_back(visit.block);
      stack.pop_back();
      continue;
    }
    const BlockId next = graph.edges(graph.terminator(visit.block))[--visit.edges_left].block;
    if (seen[next]) continue;
    seen[next] = true;
    stack.push_back({next, graph.terminator(next).edge_count});
  }
  std::reverse(order_.begin(), order_.end());
  for (u32 i = 0; i < order_.size(); ++i) position_[order_[i]] = i;
}

void Cfg::find_predecessors(const Graph& graph) {
  first_predecessor_.assign(graph.blocks.size() + 1, 0);
  for (const BlockId b : order_)
    for (const Edge& e : graph.edges(graph.terminator(b))) ++first_predecessor_[e.block + 1];
  for (usize b = 0; b < graph.blocks.size(); ++b)
    first_predecessor_[b + 1] += first_predecessor_[b];
  predecessors_.resize(first_predecessor_.back());
  std::vector<u32> next(first_predecessor_.begin(), first_predecessor_.end() - 1);
  for (const BlockId b : order_) {
    u32 n = 0;
    for (const Edge& e : graph.edges(graph.terminator(b)))
      predecessors_[next[e.block]++] = {b, n++};
  }
}

// K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
void Cfg::find_dominators() {
  idom_.assign(position_.size(), kNone);
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
    for (usize i = 1; i < order_.size(); ++i) {
      const BlockId b = order_[i];
      BlockId dominator = kNone;
      for (const Predecessor& p : predecessors(b))
        if (idom_[p.block] != kNone)
          dominator = dominator == kNone ? p.block : meet(p.block, dominator);
      if (idom_[b] == dominator) continue;
      idom_[b] = dominator;
      changed = true;
    }
  }
  // Pre-order numbers with subtree sizes make dominance one comparison.
  number_.assign(idom_.size(), 0);
  subtree_.assign(idom_.size(), 0);
  std::vector<u32> next(idom_.size());
  for (usize i = order_.size(); i-- > 0;) {
    const BlockId b = order_[i];
    ++subtree_[b];
    if (b != 0) subtree_[idom_[b]] += subtree_[b];
  }
  for (const BlockId b : order_) {
    if (b != 0) {
      number_[b] = next[idom_[b]];
      next[idom_[b]] += subtree_[b];
    }
    next[b] = number_[b] + 1;
  }
}

// Headers in reverse post-order, so outer loops come before inner ones. A loop's blocks are found
// backwards from its back edges; the innermost loop of a block is the last one that claims it.
void Cfg::find_loops() {
  loop_of_.assign(position_.size(), kNoLoop);
  std::vector<BlockId> work;
  std::vector<u32> mark(position_.size(), kNone);
  for (const BlockId header : order_) {
    work.clear();
    for (const Predecessor& p : predecessors(header)) {
      if (position_[p.block] < position_[header]) continue;
      if (dominates(header, p.block)) work.push_back(p.block);
      else irreducible_ = true;
    }
    if (work.empty()) continue;
    const u32 id = static_cast<u32>(loops_.size());
    Loop loop{header, loop_of_[header], 1, {}};
    if (loop.parent != kNoLoop) loop.depth = loops_[loop.parent].depth + 1;
    mark[header] = id;
    loop.blocks.push_back(header);
    while (!work.empty()) {
      const BlockId b = work.back();
      work.pop_back();
      if (mark[b] == id) continue;
      mark[b] = id;
      loop.blocks.push_back(b);
      for (const Predecessor& p : predecessors(b)) work.push_back(p.block);
    }
    for (const BlockId b : loop.blocks) loop_of_[b] = id;
    std::sort(loop.blocks.begin(), loop.blocks.end(),
              [&](BlockId a, BlockId b) { return position_[a] < position_[b]; });
    loops_.push_back(std::move(loop));
  }
}

bool Cfg::in_loop(BlockId b, u32 loop) const {
  for (u32 l = loop_of_[b]; l != kNoLoop; l = loops_[l].parent)
    if (l == loop) return true;
  return false;
}

}  // namespace bf::passes
