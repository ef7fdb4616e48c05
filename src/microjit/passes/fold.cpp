// Constant folding and algebra: block by block in reverse post-order, every instruction is looked
// at until nothing more comes of it. What it needs in front of it is put there.
#include "microjit/passes/fold.h"

#include "microjit/ir/op_facts.h"
#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

bool FoldSite::number(ValueId v, i64& out) const {
  if (!g.is_scalar_constant(v) || !g.type(v).is_int()) return false;
  const u32 unused = 64 - g.type(v).element_bits();
  out = static_cast<i64>(g.values[v].bits << unused) >> unused;
  return true;
}

ValueId FoldSite::make(Op op, Type type, std::span<const ValueId> operands, u32 aux, i64 imm) {
  bool constant = !operands.empty();
  for (const ValueId v : operands) constant = constant && g.is_constant(v);
  if (constant) {
    Inst i;
    i.op = op, i.type = type, i.aux = aux, i.imm = imm;
    if (const ValueId v = evaluate(g, i, operands); v != kNoValue) return v;
  }
  made.push_back(g.make(op, type, operands, aux, imm, location));
  return g.insts[made.back()].result;
}

namespace {

class Folder {
 public:
  explicit Folder(Graph& graph) : g_(graph), uses_(count_uses(graph)), site_(graph, uses_) {}

  bool run() {
    const Cfg cfg(g_);
    constexpr int kMostSweeps = 3;
    bool any = false;
    for (int n = 0; n < kMostSweeps; ++n) {
      changed_ = false;
      for (const BlockId b : cfg.order()) sweep(b);
      g_.settle();
      if (!changed_) break;
      any = true;
    }
    return any;
  }

 private:
  void sweep(BlockId b) {
    before_.swap(g_.blocks[b].instructions);
    after_.clear();
    for (const InstId id : before_) {
      if (fold(id))
        after_.push_back(id);
      else
        g_.insts[id].block = kNoBlock;
    }
    for (const InstId id : after_) g_.insts[id].block = b;
    g_.blocks[b].instructions = after_;
  }

  // False: the instruction is no longer needed.
  bool fold(InstId id) {
    for (ValueId& v : g_.operands(g_.insts[id])) v = g_.resolve(v);
    constexpr int kMostSteps = 16;
    for (int n = 0; n < kMostSteps; ++n) {
      site_.location = g_.insts[id].location;
      site_.made.clear();
      const Folded f = step(id);
      for (const InstId i : site_.made) after_.push_back(i);
      if (!f.changed) break;
      changed_ = true;
      if (f.by == kNoValue) continue;
      g_.replace(g_.insts[id].result, f.by);
      return false;
    }
    return true;
  }

  Folded step(InstId id) {
    const Inst& i = g_.insts[id];
    if (i.operand_count == 0) return {};
    const ir::Signature signature = ir::op_info(i.op).signature;
    if (signature <= ir::Signature::Dot4 && i.result != kNoValue && i.op != Op::load) {
      bool constant = true;
      for (const ValueId v : g_.operands(i)) constant = constant && g_.is_constant(v);
      if (constant) {
        const ValueId v = evaluate(g_, i);
        return v == kNoValue ? Folded{} : Folded::to(v);
      }
    }
    if (i.operand_count == 2 && ir::commutes(i.op) && g_.is_constant(g_.operand(i, 0)) &&
        !g_.is_constant(g_.operand(i, 1))) {
      const auto ids = g_.operands(g_.insts[id]);
      std::swap(ids[0], ids[1]);
      return Folded::in_place();
    }
    if (const Folded f = special(id, signature); f.changed) return f;
    return apply_rules(site_, id);
  }

  Folded special(InstId id, ir::Signature signature) {
    switch (signature) {
      case ir::Signature::IntTruncate:
      case ir::Signature::IntExtend:
      case ir::Signature::FloatTruncate:
      case ir::Signature::Bitcast:
        return fold_cast(site_, id);
      case ir::Signature::IntCompare:
        return fold_compare(site_, id);
      case ir::Signature::Select:
        return fold_select(site_, id);
      case ir::Signature::BranchIf:
        return fold_branch(site_, id);
      case ir::Signature::PtrAdd:
        return fold_address(site_, id);
      case ir::Signature::Load:
      case ir::Signature::Store:
        return fold_access(site_, id);
      case ir::Signature::Extract:
      case ir::Signature::Shuffle:
        return fold_lanes(site_, id);
      case ir::Signature::IntBinary:
        return g_.insts[id].op == Op::xor_ ? fold_not(site_, id) : Folded{};
      default:
        return {};
    }
  }

  Graph& g_;
  std::vector<u32> uses_;
  FoldSite site_;
  std::vector<InstId> before_, after_;
  bool changed_ = false;
};

}  // namespace

bool fold(Graph& graph, const Context&) {
  return Folder(graph).run();
}

}  // namespace bf::passes
