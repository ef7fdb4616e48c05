// What passes over loops share: places to put things, and what the loop counts.
//
//   make_preheaders(graph);            // changes the graph: make the Cfg after it
//   const Cfg cfg(graph);
//   for (u32 l = 0; l < cfg.loops().size(); ++l) {
//     const BlockId before = preheader(graph, cfg, l);
//     for (const Induction& i : find_inductions(graph, cfg, l)) ...
//   }
#pragma once

#include "microjit/passes/cfg.h"

namespace bf::passes {

// Gives every natural loop a preheader: the one block that enters the loop, and does nothing else.
// True if it changed anything.
bool make_preheaders(Graph& graph);

// The block whose only edge is the only one into the loop from outside, or kNoBlock.
BlockId preheader(const Graph& graph, const Cfg& cfg, u32 loop);

// The only block with an edge back to the header, if it has one such edge; or kNoBlock.
BlockId latch(const Graph& graph, const Cfg& cfg, u32 loop);

// An edge out of a loop.
struct LoopExit {
  BlockId block;  // in the loop
  u32 edge;
  BlockId target;  // outside
};
std::vector<LoopExit> loop_exits(const Graph& graph, const Cfg& cfg, u32 loop);

// Whether a value is the same in all iterations: a constant, or made outside.
bool invariant(const Graph& graph, const Cfg& cfg, u32 loop, ValueId v);

// A header argument that grows by the same amount in every iteration:
//   value = start, start + step, start + 2 * step, ... (modulo its width)
struct Induction {
  u32 argument;      // index among the header's arguments
  ValueId value;     // the argument
  ValueId start;     // what the preheader passes
  ValueId next;      // value + step, what the latch passes
  ValueId step;      // an invariant, or kNoValue: `constant` says it
  i64 constant = 0;  // sign-extended step; pointers: in bytes
};
// Loops with a preheader and one latch only.
std::vector<Induction> find_inductions(const Graph& graph, const Cfg& cfg, u32 loop);

// The condition of one exit in terms of an induction: the loop goes on at `exit.block` as long as
// `tested compare limit` holds, where tested is the induction's `value` or its `next`.
struct LoopBound {
  LoopExit exit;
  u32 induction;  // index in what find_inductions() gave
  bool tests_next;
  Op compare;     // eq, ne, ult, ..., sge
  ValueId limit;  // invariant
};
std::vector<LoopBound> find_bounds(const Graph& graph, const Cfg& cfg, u32 loop,
                                   const std::vector<Induction>& inductions);

// How many times the loop goes round its back edge, if only `bound` can end it, everything is
// constant and the count is below `most`. False if that cannot be said.
bool count_trips(const Graph& graph, const Induction& induction, const LoopBound& bound, u64 most,
                 u64& trips);

}  // namespace bf::passes
