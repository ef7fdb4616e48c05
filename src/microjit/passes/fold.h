// Inside the pass `fold`: what its files share.
#pragma once

#include "microjit/passes/evaluate.h"
#include "microjit/passes/graph.h"

namespace bf::passes {

// What is made of one instruction.
struct Folded {
  bool changed = false;   // the instruction was rewritten in place, or
  ValueId by = kNoValue;  // its result is this value
  static Folded to(ValueId v) { return {true, v}; }
  static Folded in_place() { return {true, kNoValue}; }
};

// The instruction being looked at, and where new ones go: right before it.
class FoldSite {
 public:
  FoldSite(Graph& graph, std::vector<u32>& uses) : g(graph), uses_(uses) {}

  Graph& g;
  std::vector<InstId> made;  // to be put before the instruction, in order
  ir::Location location = 0;

  // An operation on values, computed right away if they are constants.
  ValueId make(Op op, Type type, std::span<const ValueId> operands, u32 aux = 0, i64 imm = 0);
  ValueId make(Op op, Type type, std::initializer_list<ValueId> operands, u32 aux = 0,
               i64 imm = 0) {
    return make(op, type, std::span(operands.begin(), operands.size()), aux, imm);
  }
  Folded rewrite(InstId i, Op op, std::initializer_list<ValueId> operands, u32 aux = 0,
                 i64 imm = 0) {
    g.rewrite(i, op, std::span(operands.begin(), operands.size()), aux, imm);
    return Folded::in_place();
  }
  // Nobody but the instruction being looked at needs it.
  bool used_once(ValueId v) const { return v >= uses_.size() || uses_[v] <= 1; }
  // Operand n as it is by now.
  ValueId operand(const Inst& i, u32 n) { return g.resolve(g.operand(i, n)); }
  // The instruction that makes a value, if it is such an operation; or null.
  const Inst* made_by(ValueId v, Op op) {
    const Inst* i = g.definition(v);
    return i && i->op == op ? i : nullptr;
  }
  // A scalar integer constant, sign-extended.
  bool number(ValueId v, i64& out) const;

 private:
  std::vector<u32>& uses_;
};

// fold_rules.def (fold_match.cpp).
Folded apply_rules(FoldSite& site, InstId inst);
// What no table can say: each for some operations.
Folded fold_cast(FoldSite& site, InstId inst);  // fold_casts.cpp
Folded fold_compare(FoldSite& site, InstId inst);
Folded fold_select(FoldSite& site, InstId inst);  // fold_choices.cpp
Folded fold_branch(FoldSite& site, InstId inst);
Folded fold_not(FoldSite& site, InstId inst);
Folded fold_address(FoldSite& site, InstId inst);  // fold_memory.cpp
Folded fold_access(FoldSite& site, InstId inst);
Folded fold_lanes(FoldSite& site, InstId inst);  // fold_lanes.cpp

}  // namespace bf::passes
