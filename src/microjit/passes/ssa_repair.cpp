#include "microjit/passes/ssa_repair.h"

#include <algorithm>
#include <numeric>

namespace bf::passes {

// Twice the same walk: once to count, once to fill in.
OuterUses::OuterUses(const Graph& graph, const Cfg& cfg) : start_(graph.values.size() + 1) {
  std::vector<BlockId> last(graph.values.size());
  const auto for_each = [&](const auto& visit) {
    std::fill(last.begin(), last.end(), kNoBlock);
    for (const BlockId b : cfg.order()) {
      const auto use = [&](ValueId v) {
        if (last[v] == b || graph.block_of(v) == b) return;
        last[v] = b;
        visit(v, b);
      };
      for (const InstId id : graph.blocks[b].instructions) {
        const Inst& i = graph.insts[id];
        std::ranges::for_each(graph.operands(i), use);
        for (const Edge& e : graph.edges(i)) std::ranges::for_each(graph.arguments(e), use);
      }
    }
  };
  for_each([&](ValueId v, BlockId) { ++start_[v + 1]; });
  std::partial_sum(start_.begin(), start_.end(), start_.begin());
  blocks_.resize(start_.back());
  std::vector<u32> at(start_.begin(), start_.end() - 1);
  for_each([&](ValueId v, BlockId b) { blocks_[at[v]++] = b; });
}

ValueId SsaRepair::zero() {
  return g_.splat_constant(type_, 0);
}

ValueId SsaRepair::at_end(BlockId block) {
  if (at_end_[block] == kNoValue) {
    const ValueId v = at_start(block);
    at_end_[block] = v;
  }
  return at_end_[block];
}

// Straight chains of single predecessors are followed in a loop, so that only joins recurse.
ValueId SsaRepair::at_start(BlockId block) {
  std::vector<BlockId> chain;
  BlockId at = block;
  ValueId found = kNoValue;
  while (found == kNoValue) {
    if (at_start_[at] != kNoValue) {
      found = at_start_[at];
      break;
    }
    const auto predecessors = cfg_.predecessors(at);
    if (predecessors.empty()) {
      found = at_start_[at] = zero();
      break;
    }
    if (predecessors.size() > 1) {
      // The argument is entered before the predecessors are asked: they may be in a loop with it.
      found = at_start_[at] = g_.add_argument(at, type_);
      for (const Cfg::Predecessor& p : predecessors) {
        const ValueId v = at_end(p.block);
        Inst& t = g_.terminator(p.block);
        g_.add_edge_argument(g_.edges(t)[p.edge], v);
      }
      break;
    }
    chain.push_back(at);
    at = predecessors[0].block;
    found = at_end_[at];
  }
  for (const BlockId b : chain) {
    at_start_[b] = found;
    if (at_end_[b] == kNoValue) at_end_[b] = found;
  }
  return at_start_[block] = found;
}

void SsaRepair::rewrite_uses(ValueId value, std::span<const BlockId> blocks) {
  for (const BlockId b : blocks) {
    const ValueId reaching = at_start(b);
    for (const InstId id : g_.blocks[b].instructions) {
      Inst& i = g_.insts[id];
      std::ranges::replace(g_.operands(i), value, reaching);
      for (const Edge& e : g_.edges(i)) std::ranges::replace(g_.arguments(e), value, reaching);
    }
  }
}

}  // namespace bf::passes
