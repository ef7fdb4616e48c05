#include "microjit/tiers/baseline_layout.h"

#include <algorithm>

namespace bf::microjit::baseline {

using ir::BlockId;

namespace {

constexpr BlockId kNone = ~0u;

// Innermost loop header of every block, in one depth-first walk; irreducible loops too.
// T. Wei, J. Mao, W. Zou, Y. Chen, "A New Algorithm for Identifying Loops in Decompilation", 2007.
class Loops {
 public:
  explicit Loops(const ir::Function& f)
      : f_(f),
        header_(f.blocks.size(), kNone),
        path_(f.blocks.size(), 0),
        seen_(f.blocks.size(), false),
        is_header_(f.blocks.size(), false) {
    walk();
  }

  u32 depth(BlockId b) const {
    u32 depth = is_header_[b] ? 1 : 0;
    for (BlockId h = header_[b]; h != kNone; h = header_[h]) ++depth;
    return depth;
  }
  // Heads of the innermost loop around a block, and of the one around the loop of a head, or kNone.
  BlockId innermost(BlockId b) const { return is_header_[b] ? b : header_[b]; }
  BlockId around(BlockId b) const { return header_[b]; }

 private:
  struct Visit {
    BlockId block;
    u32 next_edge;
  };

  void walk() {
    std::vector<Visit> stack;
    enter(stack, 0);
    while (!stack.empty()) {
      const auto [block, edge] = stack.back();
      const auto edges = f_.edges_of(f_.terminator(f_.blocks[block]));
      if (edge < edges.size()) {
        ++stack.back().next_edge;
        const BlockId to = edges[edge].block;
        if (!seen_[to])
          enter(stack, to);
        else
          meet(block, to);
      } else {
        path_[block] = 0;
        stack.pop_back();
        if (!stack.empty()) tag(stack.back().block, header_[block]);
      }
    }
  }

  void enter(std::vector<Visit>& stack, BlockId b) {
    seen_[b] = true;
    stack.push_back({b, 0});
    path_[b] = static_cast<u32>(stack.size());
  }

  void meet(BlockId from, BlockId to) {
    if (path_[to] != 0) {
      is_header_[to] = true;
      tag(from, to);
      return;
    }
    for (BlockId h = header_[to]; h != kNone; h = header_[h])
      if (path_[h] != 0) return tag(from, h);
  }

  // `h` is the header of a loop around `b`: weaves it into the chain of headers by path depth.
  void tag(BlockId b, BlockId h) {
    if (b == h || h == kNone) return;
    while (header_[b] != kNone) {
      const BlockId inner = header_[b];
      if (inner == h) return;
      if (path_[inner] < path_[h]) {
        header_[b] = h;
        b = h;
        h = inner;
      } else {
        b = inner;
      }
    }
    header_[b] = h;
  }

  const ir::Function& f_;
  std::vector<BlockId> header_;
  std::vector<u32> path_;  // 1 + depth on the current path of the walk, 0: not on it
  std::vector<bool> seen_;
  std::vector<bool> is_header_;
};

}  // namespace

Layout::Layout(const ir::Function& f) : position(f.blocks.size(), kUnreachable), incoming() {
  const Loops loops(f);
  std::vector<u32> block_depth(f.blocks.size());
  for (BlockId b = 0; b < f.blocks.size(); ++b) block_depth[b] = loops.depth(b);

  // What is visited first comes last: successors that leave a loop before those that stay in it.
  struct Visit {
    BlockId block;
    u32 first_successor;  // in `successors`; the ones still to visit are behind it
  };
  std::vector<bool> seen(f.blocks.size(), false);
  std::vector<BlockId> successors;
  std::vector<Visit> stack;
  const auto enter = [&](BlockId b) {
    seen[b] = true;
    const usize first = successors.size();
    for (const ir::Edge& e : f.edges_of(f.terminator(f.blocks[b])))
      if (!seen[e.block]) successors.push_back(e.block);
    std::sort(successors.begin() + static_cast<std::ptrdiff_t>(first), successors.end(),
              [&](BlockId x, BlockId y) {  // visited from the back
                return block_depth[x] != block_depth[y] ? block_depth[x] > block_depth[y] : x < y;
              });
    stack.push_back({b, static_cast<u32>(first)});
  };
  enter(0);
  while (!stack.empty()) {
    const Visit top = stack.back();
    if (successors.size() > top.first_successor) {
      const BlockId to = successors.back();
      successors.pop_back();
      if (!seen[to]) enter(to);
    } else {
      order.push_back(top.block);
      stack.pop_back();
    }
  }
  std::reverse(order.begin(), order.end());
  incoming.assign(order.size(), 0);
  for (u32 k = 0; k < order.size(); ++k) {
    position[order[k]] = k;
    depth.push_back(block_depth[order[k]]);
  }
  const auto at = [&](BlockId b) { return b == kNone ? kUnreachable : position[b]; };
  for (const BlockId b : order) {
    loop.push_back(at(loops.innermost(b)));
    outer.push_back(at(loops.around(b)));
  }
  for (const BlockId b : order)
    for (const ir::Edge& e : f.edges_of(f.terminator(f.blocks[b]))) ++incoming[position[e.block]];
}

}  // namespace bf::microjit::baseline
