#include "microjit/passes/guesses.h"

#include <algorithm>

namespace bf::passes {

namespace {

constexpr u32 kSteps = 4;  // instructions between a load and what is asked about

bool computes_address(Op op) {
  switch (op) {
    case Op::ptradd:
    case Op::index:
    case Op::add:
    case Op::sub:
    case Op::mul:
    case Op::shl:
    case Op::or_:
    case Op::sext:
    case Op::zext:
    case Op::trunc:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool Guesses::better_guessed(ValueId condition, ValueId chosen) {
  if (!comes_from_load(condition, kSteps)) return false;
  if (feeds_address_.empty()) mark_addresses();
  return chosen < feeds_address_.size() && feeds_address_[chosen] != 0;
}

bool Guesses::comes_from_load(ValueId v, u32 steps) const {
  const Inst* const i = g_.definition(v);
  if (i == nullptr) return false;
  if (i->op == Op::load) return true;
  if (steps == 0) return false;
  for (const ValueId operand : g_.operands(*i))
    if (comes_from_load(operand, steps - 1)) return true;
  return false;
}

void Guesses::mark_addresses() {
  feeds_address_.assign(g_.values.size(), 0);
  edges_to_.assign(g_.blocks.size(), {});
  for (BlockId b = 0; b < g_.blocks.size(); ++b)
    if (!g_.blocks[b].instructions.empty())
      for (const Edge& e : g_.edges(g_.terminator(b))) edges_to_[e.block].push_back(e);
  for (const Block& block : g_.blocks)
    for (const InstId id : block.instructions)
      if (const Inst& i = g_.insts[id]; i.op == Op::load) mark(g_.operand(i, 0), kSteps);
}

void Guesses::mark(ValueId v, u32 steps) {
  if (g_.is_constant(v) || feeds_address_[v] > steps) return;
  feeds_address_[v] = static_cast<u8>(steps + 1);
  if (steps == 0) return;
  const Inst* const i = g_.definition(v);
  if (i == nullptr) return mark_passed(v, steps - 1);
  if (!computes_address(i->op)) return;
  for (const ValueId operand : g_.operands(*i)) mark(operand, steps - 1);
}

// What blocks pass on: a loop's address of its next round.
void Guesses::mark_passed(ValueId argument, u32 steps) {
  const BlockId block = g_.block_of(argument);
  const auto& arguments = g_.blocks[block].arguments;
  const auto at = static_cast<usize>(std::ranges::find(arguments, argument) - arguments.begin());
  for (const Edge& e : edges_to_[block]) mark(g_.arguments(e)[at], steps);
}

}  // namespace bf::passes
