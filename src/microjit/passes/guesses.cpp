#include "microjit/passes/guesses.h"

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
  for (const Block& block : g_.blocks)
    for (const InstId id : block.instructions)
      if (const Inst& i = g_.insts[id]; i.op == Op::load) mark(g_.operand(i, 0), kSteps);
}

void Guesses::mark(ValueId v, u32 steps) {
  if (g_.is_constant(v) || feeds_address_[v] > steps) return;
  feeds_address_[v] = static_cast<u8>(steps + 1);
  const Inst* const i = g_.definition(v);
  if (i == nullptr || steps == 0 || !computes_address(i->op)) return;
  for (const ValueId operand : g_.operands(*i)) mark(operand, steps - 1);
}

}  // namespace bf::passes
