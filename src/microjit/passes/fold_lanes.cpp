// Lanes put into vectors and taken out again.
#include "microjit/passes/fold.h"

namespace bf::passes {

namespace {

Folded fold_extract(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId from = s.operand(i, 0), at = s.operand(i, 1);
  const Inst* d = s.g.definition(from);
  if (!d) return {};
  if (d->op == Op::splat) return Folded::to(s.operand(*d, 0));
  if (!s.g.is_constant(at)) return {};
  const u32 lane = static_cast<u32>(s.g.values[at].bits) & (s.g.type(from).lanes - 1u);
  if (d->op == Op::insert && s.g.is_constant(s.operand(*d, 2))) {
    const u32 put = static_cast<u32>(s.g.values[s.operand(*d, 2)].bits) & (d->type.lanes - 1u);
    if (put == lane) return Folded::to(s.operand(*d, 1));
    return s.rewrite(id, Op::extract, {s.operand(*d, 0), at});
  }
  if (d->op == Op::shuffle) {
    const u32 lanes = s.g.type(s.g.operand(*d, 0)).lanes, source = s.g.mask(*d)[lane];
    const ValueId vector = s.operand(*d, source / lanes);
    return s.rewrite(id, Op::extract, {vector, s.g.constant({Kind::I32}, source % lanes)});
  }
  return {};
}

Folded fold_shuffle(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId a = s.operand(i, 0), b = s.operand(i, 1);
  const u32 lanes = s.g.type(a).lanes;
  bool first = i.type.lanes == lanes, second = first, only_first = true;
  for (u32 n = 0; n < i.type.lanes; ++n) {
    first = first && s.g.mask(i)[n] == n;
    second = second && s.g.mask(i)[n] == n + lanes;
    only_first = only_first && s.g.mask(i)[n] < lanes;
  }
  if (first) return Folded::to(a);
  if (second) return Folded::to(b);
  if (const Inst* d = s.made_by(a, Op::splat); d && only_first)
    return s.rewrite(id, Op::splat, {s.operand(*d, 0)});
  return {};
}

}  // namespace

Folded fold_lanes(FoldSite& s, InstId id) {
  return s.g.insts[id].op == Op::extract ? fold_extract(s, id) : fold_shuffle(s, id);
}

}  // namespace bf::passes
