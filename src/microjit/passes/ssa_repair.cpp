#include "microjit/passes/ssa_repair.h"

namespace bf::passes {

ValueId SsaRepair::zero() { return g_.splat_constant(type_, 0); }

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

void SsaRepair::rewrite_uses(ValueId value) {
  const BlockId home = g_.block_of(value);
  for (const BlockId b : cfg_.order()) {
    if (b == home) continue;
    for (usize n = 0; n < g_.blocks[b].instructions.size(); ++n) {
      const InstId id = g_.blocks[b].instructions[n];
      const u32 operand_count = g_.insts[id].operand_count, edge_count = g_.insts[id].edge_count;
      for (u32 k = 0; k < operand_count; ++k)
        if (g_.operand(g_.insts[id], k) == value) {
          const ValueId v = at_start(b);
          g_.operands(g_.insts[id])[k] = v;
        }
      for (u32 e = 0; e < edge_count; ++e)
        for (u32 k = 0; k < g_.edges(g_.insts[id])[e].argument_count; ++k)
          if (g_.arguments(g_.edges(g_.insts[id])[e])[k] == value) {
            const ValueId v = at_start(b);
            g_.arguments(g_.edges(g_.insts[id])[e])[k] = v;
          }
    }
  }
}

}  // namespace bf::passes
