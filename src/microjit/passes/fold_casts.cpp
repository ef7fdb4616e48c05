// Conversions of conversions, and comparisons of converted values.
#include "microjit/ir/op_facts.h"
#include "microjit/passes/fold.h"

namespace bf::passes {

namespace {

bool extends(Op op) {
  return op == Op::zext || op == Op::sext;
}

u64 ones(u32 bits) {
  return bits >= 64 ? ~u64{0} : (u64{1} << bits) - 1;
}

// trunc of something that was as narrow, or narrower, or wider before.
Folded fold_trunc(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0);
  const Inst* d = s.g.definition(a);
  if (!d) return {};
  if (d->op == Op::trunc) return s.rewrite(id, Op::trunc, {s.operand(*d, 0)});
  if (extends(d->op)) {
    const ValueId from = s.operand(*d, 0);
    const u32 had = s.g.type(from).element_bits(), wants = i.type.element_bits();
    if (had == wants) return Folded::to(from);
    return s.rewrite(id, had < wants ? d->op : Op::trunc, {from});
  }
  // The low bits need nothing but low bits.
  if (d->op == Op::and_ && s.g.is_constant(s.operand(*d, 1))) {
    u64 mask;
    const ValueId from = s.operand(*d, 0);
    if (is_splat(s.g, s.operand(*d, 1), mask) &&
        (mask & ones(i.type.element_bits())) == ones(i.type.element_bits()))
      return s.rewrite(id, Op::trunc, {from});
  }
  return {};
}

Folded fold_extension(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0);
  const Inst* d = s.g.definition(a);
  if (!d) return {};
  const ValueId from = d->operand_count > 0 ? s.operand(*d, 0) : kNoValue;
  // The sign of what was extended with zeros is 0.
  if (d->op == Op::zext) return s.rewrite(id, Op::zext, {from});
  if (d->op == Op::sext && i.op == Op::sext) return s.rewrite(id, Op::sext, {from});
  if (d->op == Op::trunc && i.op == Op::zext && s.g.type(from) == i.type) {
    const u64 mask = ones(s.g.type(a).element_bits());
    return s.rewrite(id, Op::and_, {from, s.g.splat_constant(i.type, mask)});
  }
  return {};
}

Folded fold_bitcast(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0);
  if (s.g.type(a) == i.type) return Folded::to(a);
  if (const Inst* d = s.made_by(a, Op::bitcast))
    return s.rewrite(id, Op::bitcast, {s.operand(*d, 0)});
  return {};
}

// Both sides extended the same way: compare what was extended. Against a constant: if it is what
// a narrow one would be extended to.
Folded compare_extended(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0), b = s.operand(i, 1);
  if (s.g.type(a).is_vector()) return {};
  const Inst* d = s.g.definition(a);
  if (!d || !extends(d->op)) return {};
  const bool is_zext = d->op == Op::zext;
  const ValueId from = s.operand(*d, 0);
  const Type narrow = s.g.type(from);
  const bool is_signed = i.op >= Op::slt && i.op <= Op::sge;
  if (narrow.kind == Kind::I1 && i.op != Op::eq && i.op != Op::ne) return {};
  // Values extended with zeros are positive: signed order is unsigned order.
  Op compare = i.op;
  if (is_zext && is_signed)
    compare = static_cast<Op>(static_cast<u32>(Op::ult) +
                              (static_cast<u32>(i.op) - static_cast<u32>(Op::slt)));
  if (const Inst* e = s.g.definition(b)) {
    if (e->op != d->op || s.g.type(s.operand(*e, 0)) != narrow) return {};
    return s.rewrite(id, compare, {from, s.operand(*e, 0)});
  }
  if (!s.g.is_scalar_constant(b)) return {};
  const u64 bits = s.g.values[b].bits;
  u64 back;
  const u64 low = bits & ones(narrow.element_bits());
  if (!evaluate_element(d->op, narrow, s.g.type(a), &low, back)) return {};
  if (back == bits) return s.rewrite(id, compare, {from, s.g.constant(narrow, low)});
  if (i.op == Op::eq || i.op == Op::ne) return Folded::to(s.g.constant(i.type, i.op == Op::ne));
  if (!is_zext) return {};
  // Out of reach: above all of them, or negative in signed order.
  const bool below = !(is_signed && bits >> (s.g.type(a).element_bits() - 1) != 0);
  const bool less = compare == Op::ult || compare == Op::ule;
  return Folded::to(s.g.constant(i.type, below == less));
}

// A condition compared with a constant is itself or its opposite.
Folded compare_condition(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0), b = s.operand(i, 1);
  if (s.g.type(a).kind != Kind::I1 || !s.g.is_constant(b)) return {};
  if (i.op != Op::eq && i.op != Op::ne) return {};
  const bool same = (s.g.values[b].bits != 0) == (i.op == Op::eq);
  if (same) return Folded::to(a);
  return s.rewrite(id, Op::xor_, {a, s.g.constant(i.type, 1)});
}

// The address of something is not null.
bool never_null(FoldSite& s, ValueId v) {
  const Inst* d = s.g.definition(v);
  return d && (d->op == Op::stack_alloc || d->op == Op::func_addr ||
               (d->op == Op::data_addr && d->imm >= 0));
}

}  // namespace

Folded fold_cast(FoldSite& s, InstId id) {
  switch (s.g.insts[id].op) {
    case Op::trunc:
      return fold_trunc(s, id);
    case Op::zext:
    case Op::sext:
      return fold_extension(s, id);
    case Op::bitcast:
      return fold_bitcast(s, id);
    case Op::fptrunc: {
      const Inst& i = s.g.insts[id];
      const Inst* d = s.made_by(s.operand(i, 0), Op::fpext);
      if (d && s.g.type(s.operand(*d, 0)) == i.type) return Folded::to(s.operand(*d, 0));
      return {};
    }
    default:
      return {};
  }
}

Folded fold_compare(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0), b = s.operand(i, 1);
  if (s.g.is_constant(a) && !s.g.is_constant(b)) return s.rewrite(id, ir::swapped(i.op), {b, a});
  if (const Folded f = compare_condition(s, id); f.changed) return f;
  u64 bits;
  if ((i.op == Op::eq || i.op == Op::ne) && is_splat(s.g, b, bits) && bits == 0 && never_null(s, a))
    return Folded::to(s.g.constant(i.type, i.op == Op::ne));
  return compare_extended(s, id);
}

}  // namespace bf::passes
