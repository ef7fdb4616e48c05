// Selects, negated conditions, and branches on them.
#include "microjit/ir/op_facts.h"
#include "microjit/passes/fold.h"

namespace bf::passes {

namespace {

bool is_not(FoldSite& s, ValueId v, ValueId& of) {
  const Inst* d = s.made_by(v, Op::xor_);
  u64 bits;
  if (!d || d->type.kind != Kind::I1 || !is_splat(s.g, s.operand(*d, 1), bits) || bits != 1)
    return false;
  of = s.operand(*d, 0);
  return true;
}

// Choices between conditions are logic.
Folded select_condition(FoldSite& s, InstId id, ValueId c, ValueId a, ValueId b) {
  const auto constant = [&](ValueId v, u64 bits) {
    return s.g.is_constant(v) && s.g.values[v].bits == bits;
  };
  const Type i1{Kind::I1};
  if (constant(a, 1)) return s.rewrite(id, Op::or_, {c, b});
  if (constant(b, 0)) return s.rewrite(id, Op::and_, {c, a});
  if (!constant(a, 0) && !constant(b, 1)) return {};
  const ValueId not_c = s.make(Op::xor_, i1, {c, s.g.constant(i1, 1)});
  return constant(a, 0) ? s.rewrite(id, Op::and_, {not_c, b}) : s.rewrite(id, Op::or_, {not_c, a});
}

// select(a < b, a, b) and its kin.
Folded select_extreme(FoldSite& s, InstId id, const Inst& compare, ValueId a, ValueId b) {
  if (!s.g.type(a).is_int() || s.g.type(a).kind == Kind::I1) return {};
  const ValueId x = s.operand(compare, 0), y = s.operand(compare, 1);
  if (!(same_constant(s.g, x, a) && same_constant(s.g, y, b)) &&
      !(same_constant(s.g, x, b) && same_constant(s.g, y, a)))
    return {};
  const bool in_order = same_constant(s.g, x, a);
  switch (in_order ? compare.op : ir::swapped(compare.op)) {
    case Op::ult:
    case Op::ule:
      return s.rewrite(id, Op::umin, {a, b});
    case Op::ugt:
    case Op::uge:
      return s.rewrite(id, Op::umax, {a, b});
    case Op::slt:
    case Op::sle:
      return s.rewrite(id, Op::smin, {a, b});
    case Op::sgt:
    case Op::sge:
      return s.rewrite(id, Op::smax, {a, b});
    case Op::eq:  // where they are equal, either will do
      return Folded::to(b);
    case Op::ne:
      return Folded::to(a);
    default:
      return {};
  }
}

}  // namespace

Folded fold_select(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId c = s.operand(i, 0), a = s.operand(i, 1), b = s.operand(i, 2);
  if (same_constant(s.g, a, b)) return Folded::to(a);
  if (s.g.is_scalar_constant(c)) return Folded::to(s.g.values[c].bits != 0 ? a : b);
  if (ValueId of; is_not(s, c, of)) return s.rewrite(id, Op::select, {of, b, a});
  if (i.type.kind == Kind::I1)
    if (const Folded f = select_condition(s, id, c, a, b); f.changed) return f;
  u64 yes, no;
  if (!s.g.type(c).is_vector() && i.type.is_int() && i.type.kind != Kind::I1 &&
      !i.type.is_vector() && is_splat(s.g, a, yes) && is_splat(s.g, b, no)) {
    const u64 all = i.type.element_bits() == 64 ? ~u64{0} : (u64{1} << i.type.element_bits()) - 1;
    if (yes == 1 && no == 0) return s.rewrite(id, Op::zext, {c});
    if (yes == all && no == 0) return s.rewrite(id, Op::sext, {c});
    if (yes == 0 && no == 1) {
      const ValueId other = s.make(Op::xor_, {Kind::I1}, {c, s.g.constant({Kind::I1}, 1)});
      return s.rewrite(id, Op::zext, {other});
    }
  }
  const Inst* d = s.g.definition(c);
  if (!d) return {};
  // A mask whose lanes are as wide as what it chooses from.
  const bool lane_wise = s.g.type(c).lanes == i.type.lanes;
  if (lane_wise && ir::op_info(d->op).signature == ir::Signature::IntCompare &&
      s.g.type(s.g.operand(*d, 0)) == i.type)
    return select_extreme(s, id, *d, a, b);
  return {};
}

Folded fold_not(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0);
  u64 bits;
  if (i.type.kind != Kind::I1 || !is_splat(s.g, s.operand(i, 1), bits) || bits != 1) return {};
  const Inst* d = s.g.definition(a);
  if (!d || !s.used_once(a)) return {};
  if (ir::op_info(d->op).signature == ir::Signature::IntCompare)
    return s.rewrite(id, ir::inverted(d->op), {s.operand(*d, 0), s.operand(*d, 1)});
  if (ir::op_info(d->op).signature != ir::Signature::FloatCompare) return {};
  // The opposite of an ordered comparison is the unordered opposite.
  constexpr struct {
    Op op, opposite;
  } kOpposites[] = {{Op::foeq, Op::fune}, {Op::fogt, Op::fule}, {Op::foge, Op::fult},
                    {Op::folt, Op::fuge}, {Op::fole, Op::fugt}, {Op::fone, Op::fueq},
                    {Op::ford, Op::funo}};
  for (const auto& pair : kOpposites) {
    if (pair.op == d->op) return s.rewrite(id, pair.opposite, {s.operand(*d, 0), s.operand(*d, 1)});
    if (pair.opposite == d->op) return s.rewrite(id, pair.op, {s.operand(*d, 0), s.operand(*d, 1)});
  }
  return {};
}

Folded fold_branch(FoldSite& s, InstId id) {
  Inst& i = s.g.insts[id];
  ValueId of;
  if (i.op != Op::br_if || !is_not(s, s.operand(i, 0), of)) return {};
  const ValueId ids[] = {of};
  s.g.set_operands(id, ids);
  const auto edges = s.g.edges(i);
  std::swap(edges[0], edges[1]);
  return Folded::in_place();
}

}  // namespace bf::passes
