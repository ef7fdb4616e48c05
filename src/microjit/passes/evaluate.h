// Operations on constants, by the semantics that the interpreter is made of (semantics.h), so that
// what is folded cannot differ from what would have run.
//
//   u64 sum;
//   evaluate_element(Op::add, {Kind::I32}, {Kind::I32}, operands, sum);
//   const ValueId v = evaluate(graph, inst);   // kNoValue: not constant, or it would trap
#pragma once

#include "microjit/passes/graph.h"

namespace bf::passes {

// One element: bit patterns in (of type `from`), bit pattern out (of type `to`). False if the
// operation traps on these operands, or is none that works element by element.
bool evaluate_element(Op op, Type from, Type to, const u64* in, u64& out);

// The constant that a pure operation gives for constant operands (`operands`: as many as it has,
// all constants of the graph), or kNoValue.
ValueId evaluate(Graph& graph, const Inst& inst, std::span<const ValueId> operands);
inline ValueId evaluate(Graph& graph, const Inst& inst) {
  const std::span<const ValueId> ids = graph.operands(inst);
  return evaluate(graph, inst, ids);
}

// The pattern of one lane of a constant, scalar or vector.
u64 constant_lane(const Graph& graph, ValueId constant, u32 lane);
// Whether a constant has the same pattern in all lanes; gives it.
bool is_splat(const Graph& graph, ValueId v, u64& bits);
// Equal constants, vectors too.
bool same_constant(const Graph& graph, ValueId a, ValueId b);

}  // namespace bf::passes
