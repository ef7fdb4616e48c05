// What a processor had better guess than wait for: the address of a load, chosen by a condition that
// itself comes from memory. As a branch, the load starts before the condition is there, and a wrong
// guess costs less than two loads one after the other; as a select, every round of a search or a walk
// down a heap waits for both. (LLVM's X86CmovConversion decides likewise, by the depth of chains.)
//
//   Guesses guesses(graph);
//   if (guesses.better_guessed(condition, argument_of_the_join)) leave it a branch;
#pragma once

#include <vector>

#include "microjit/passes/graph.h"

namespace bf::passes {

class Guesses {
 public:
  explicit Guesses(const Graph& graph) : g_(graph) {}

  // Whether `chosen`, an argument of the block where two ways meet, should come from a branch on
  // `condition`. It is asked of the graph as it was when first asked.
  bool better_guessed(ValueId condition, ValueId chosen);
  // The graph has changed.
  void forget() { feeds_address_.clear(); }

 private:
  bool comes_from_load(ValueId v, u32 steps) const;
  void mark_addresses();
  void mark(ValueId v, u32 steps);
  void mark_passed(ValueId argument, u32 steps);

  const Graph& g_;
  std::vector<u8> feeds_address_;  // for each value, steps left + 1 when it was reached; empty: not known
  std::vector<std::vector<Edge>> edges_to_;  // for each block
};

}  // namespace bf::passes
