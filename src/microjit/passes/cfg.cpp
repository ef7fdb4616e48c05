#include "microjit/passes/cfg.h"

#include <algorithm>

namespace bf::passes {

ShapeRef::ShapeRef(Shape* shape) : shape_(shape) {
  if (shape_) ++shape_->users;
}

void ShapeRef::drop() {
  if (shape_ && --shape_->users == 0) delete shape_;
  shape_ = nullptr;
}

Cfg::Cfg(const Graph& graph) {
  ShapeRef& last = graph.shape_;
  if (!last || !last->fits(graph)) {
    // Nobody but the graph looks at the last one any more: its memory serves again.
    if (!last || last->users > 1) last = ShapeRef(new Shape);
    last->find(graph);
  }
  shape_ = last;
}

bool Cfg::in_loop(BlockId b, u32 loop) const {
  for (u32 l = loop_of(b); l != kNoLoop; l = shape_->loops[l].parent)
    if (l == loop) return true;
  return false;
}

bool Cfg::is_header(BlockId b) const {
  for (const Predecessor& p : predecessors(b))
    if (position(p.block) >= position(b) && dominates(b, p.block)) return true;
  return false;
}

void Shape::find(const Graph& graph) {
  has_dominators = has_loops = irreducible = false;
  order.clear(), successors.clear(), edge_counts.clear(), loops.clear();
  find_order(graph);
  find_predecessors(graph);
}

// The same blocks are reached over the same edges, and there are no others.
bool Shape::fits(const Graph& graph) const {
  if (graph.blocks.size() != position.size()) return false;
  const BlockId* next = successors.data();
  for (usize n = 0; n < order.size(); ++n) {
    const std::span<const Edge> edges = graph.edges(graph.terminator(order[n]));
    if (edges.size() != edge_counts[n]) return false;
    for (const Edge& e : edges)
      if (e.block != *next++) return false;
  }
  return true;
}

// Depth first without recursion, as deep as the function is long. The last edge is visited first,
// so that the first one's target comes right after its block.
void Shape::find_order(const Graph& graph) {
  // Blocks on the way down, with their edges left.
  std::vector<BlockId>& path = work_;
  std::vector<u32>& edges_left = scratch_;
  path.assign(1, 0);
  edges_left.assign(1, graph.terminator(0).edge_count);
  position.assign(graph.blocks.size(), kNone);
  position[0] = 0;
  while (!path.empty()) {
    if (edges_left.back() == 0) {
      order.push_back(path.back());
      path.pop_back(), edges_left.pop_back();
      continue;
    }
    const BlockId next = graph.edges(graph.terminator(path.back()))[--edges_left.back()].block;
    if (position[next] != kNone) continue;
    position[next] = 0;
    path.push_back(next), edges_left.push_back(graph.terminator(next).edge_count);
  }
  std::reverse(order.begin(), order.end());
  for (u32 i = 0; i < order.size(); ++i) position[order[i]] = i;
}

void Shape::find_predecessors(const Graph& graph) {
  first_predecessor.assign(graph.blocks.size() + 1, 0);
  for (const BlockId b : order) {
    const std::span<const Edge> edges = graph.edges(graph.terminator(b));
    edge_counts.push_back(static_cast<u32>(edges.size()));
    for (const Edge& e : edges) {
      successors.push_back(e.block);
      ++first_predecessor[e.block + 1];
    }
  }
  for (usize b = 0; b < graph.blocks.size(); ++b) first_predecessor[b + 1] += first_predecessor[b];
  predecessors.resize(successors.size());
  std::vector<u32>& place = scratch_;
  place.assign(first_predecessor.begin(), first_predecessor.end() - 1);
  const BlockId* next = successors.data();
  for (usize i = 0; i < order.size(); ++i)
    for (u32 n = 0; n < edge_counts[i]; ++n) predecessors[place[*next++]++] = {order[i], n};
}

// K. Cooper, T. Harvey, K. Kennedy, "A Simple, Fast Dominance Algorithm", 2001.
void Shape::find_dominators() {
  has_dominators = true;
  idom.assign(position.size(), kNone);
  idom[0] = 0;
  const auto meet = [&](BlockId a, BlockId b) {
    while (a != b) {
      while (position[a] > position[b]) a = idom[a];
      while (position[b] > position[a]) b = idom[b];
    }
    return a;
  };
  for (bool changed = true; changed;) {
    changed = false;
    bool backwards = false;  // without edges that go back, one round is enough
    for (usize i = 1; i < order.size(); ++i) {
      const BlockId b = order[i];
      BlockId dominator = kNone;
      for (const Predecessor& p : predecessors_of(b)) {
        backwards = backwards || position[p.block] >= i;
        if (idom[p.block] != kNone)
          dominator = dominator == kNone ? p.block : meet(p.block, dominator);
      }
      if (idom[b] == dominator) continue;
      idom[b] = dominator;
      changed = backwards;
    }
  }
  number_dominator_tree();
}

// Pre-order numbers with subtree sizes make dominance one comparison.
void Shape::number_dominator_tree() {
  number.assign(idom.size(), 0);
  subtree.assign(idom.size(), 0);
  std::vector<u32>& next = scratch_;
  next.assign(idom.size(), 0);
  for (usize i = order.size(); i-- > 0;) {
    const BlockId b = order[i];
    ++subtree[b];
    if (b != 0) subtree[idom[b]] += subtree[b];
  }
  for (const BlockId b : order) {
    if (b != 0) {
      number[b] = next[idom[b]];
      next[idom[b]] += subtree[b];
    }
    next[b] = number[b] + 1;
  }
}

// Headers in reverse post-order, so outer loops come before inner ones.
void Shape::find_loops() {
  if (!has_dominators) find_dominators();
  has_loops = true;
  loop_of.assign(position.size(), Cfg::kNoLoop);
  scratch_.assign(position.size(), kNone);
  for (const BlockId header : order) {
    work_.clear();
    for (const Predecessor& p : predecessors_of(header)) {
      if (position[p.block] < position[header]) continue;
      if (number[p.block] - number[header] < subtree[header])
        work_.push_back(p.block);
      else
        irreducible = true;
    }
    if (!work_.empty()) find_loop(header);
  }
}

// A loop's blocks are found backwards from its back edges (in work_); the innermost loop of a block
// is the last one that claims it.
void Shape::find_loop(BlockId header) {
  std::vector<u32>& mark = scratch_;
  const u32 id = static_cast<u32>(loops.size());
  Loop loop{header, loop_of[header], 1, {}};
  if (loop.parent != Cfg::kNoLoop) loop.depth = loops[loop.parent].depth + 1;
  mark[header] = id;
  usize count = 1;
  while (!work_.empty()) {
    const BlockId b = work_.back();
    work_.pop_back();
    if (mark[b] == id) continue;
    mark[b] = id;
    ++count;
    for (const Predecessor& p : predecessors_of(b)) work_.push_back(p.block);
  }
  // In order they are not far from each other.
  loop.blocks.reserve(count);
  for (u32 at = position[header]; loop.blocks.size() < count; ++at)
    if (mark[order[at]] == id) loop.blocks.push_back(order[at]);
  for (const BlockId b : loop.blocks) loop_of[b] = id;
  loops.push_back(std::move(loop));
}

}  // namespace bf::passes
