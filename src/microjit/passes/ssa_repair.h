// Makes SSA form whole again where a value has come to have several definitions: every use gets the
// definition that reaches it, with block arguments where several do.
//
//   SsaRepair repair(graph, cfg, type);
//   repair.define(old_block, old_value);    // at most one definition a block, at its end
//   repair.define(new_block, new_value);
//   repair.rewrite_uses(old_value, uses.of(old_value));   // OuterUses uses(graph, cfg)
//
// M. Braun et al., "Simple and Efficient Construction of Static Single Assignment Form", 2013. The
// graph's blocks must not change in between; where no definition reaches, the value is zero.
#pragma once

#include <span>

#include "microjit/passes/cfg.h"

namespace bf::passes {

// The blocks that use a value other than the one that defines it, for all values at once: looking
// for one value after the other would take the square of a function's size.
class OuterUses {
 public:
  OuterUses(const Graph& graph, const Cfg& cfg);

  // In the order of the Cfg. As the graph was then: no use that was added since.
  std::span<const BlockId> of(ValueId value) const {
    return std::span(blocks_).subspan(start_[value], start_[value + 1] - start_[value]);
  }

 private:
  std::vector<u32> start_;  // by value, where its blocks start
  std::vector<BlockId> blocks_;
};

class SsaRepair {
 public:
  SsaRepair(Graph& graph, const Cfg& cfg, Type type)
      : g_(graph),
        cfg_(cfg),
        type_(type),
        at_end_(graph.blocks.size(), kNoValue),
        at_start_(graph.blocks.size(), kNoValue) {}

  void define(BlockId block, ValueId value) { at_end_[block] = value; }

  // The definition that reaches the start or the end of a reachable block.
  ValueId at_start(BlockId block);
  ValueId at_end(BlockId block);

  // Rewrites every use of a value in these blocks, which do not define it (there it is right).
  void rewrite_uses(ValueId value, std::span<const BlockId> blocks);

 private:
  ValueId zero();

  Graph& g_;
  const Cfg& cfg_;
  const Type type_;
  std::vector<ValueId> at_end_;  // known so far
  std::vector<ValueId> at_start_;
};

}  // namespace bf::passes
