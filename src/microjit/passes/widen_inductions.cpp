// What a loop counts in 32 bits and needs in 64, to index memory, is counted in 64.
//
//   b1(%i: i32):                            b1(%w: i64):
//     %x: i64 = sext %i                       %y: ptr = index %p, %w * 8
//     %y: ptr = index %p, %x * 8              ...
//     ...                                     %v: i64 = add %w, i64 1
//     %j: i32 = add %i, i32 1                 %more: i1 = slt %v, %limit   its sext, from outside
//     %more: i1 = slt %j, %n
//
// That is the same only if the 32 bits never wrap, which is what the loop's bound has to show: who
// goes on because %j is below something can add 1 once more. What else needs the 32 bits cuts them
// off the 64.
#include <algorithm>
#include <limits>

#include "microjit/ir/op_facts.h"
#include "microjit/passes/evaluate.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr Type kNarrow{Kind::I32}, kWide{Kind::I64};
constexpr u32 kMostGuards = 4;  // branches before the loop that may say something of the start

// The values of 32 bits, as the extension takes them.
struct Range {
  bool is_signed;

  i64 least() const { return is_signed ? std::numeric_limits<i32>::min() : 0; }
  i64 most() const {
    return is_signed ? i64{std::numeric_limits<i32>::max()} : i64{std::numeric_limits<u32>::max()};
  }
  bool has(i64 v) const { return v >= least() && v <= most(); }
  i64 number(u64 bits) const {
    return is_signed ? i64{static_cast<i32>(bits)} : i64{static_cast<u32>(bits)};
  }
};

class Widener {
 public:
  Widener(Graph& graph, const Cfg& cfg, u32 loop) : g_(graph), cfg_(cfg), loop_(loop) {}

  bool run() {
    before_ = preheader(g_, cfg_, loop_), latch_ = latch(g_, cfg_, loop_);
    if (before_ == kNoBlock || latch_ == kNoBlock) return false;
    find_extensions();
    if (extensions_.empty()) return false;
    const std::vector<Induction> inductions = find_inductions(g_, cfg_, loop_);
    const std::vector<LoopBound> bounds = find_bounds(g_, cfg_, loop_, inductions);
    bool changed = false;
    for (u32 n = 0; n < inductions.size(); ++n)
      for (const Op op : {Op::sext, Op::zext})
        if (wanted(inductions[n], op) && bounded(inductions, bounds, n, op)) {
          widen(inductions[n], op);
          changed = true;
          break;
        }
    return changed;
  }

 private:
  void find_extensions() {
    for (const BlockId b : cfg_.loops()[loop_].blocks)
      for (const InstId id : g_.blocks[b].instructions) {
        const Inst& i = g_.insts[id];
        if ((i.op == Op::sext || i.op == Op::zext) && i.type == kWide &&
            g_.type(g_.operand(i, 0)) == kNarrow && !invariant(g_, cfg_, loop_, g_.operand(i, 0)))
          extensions_.push_back(id);
      }
  }

  bool wanted(const Induction& i, Op op) const {
    return std::any_of(extensions_.begin(), extensions_.end(), [&](InstId id) {
      const ValueId v = g_.operand(g_.insts[id], 0);
      return g_.insts[id].op == op && (v == i.value || v == i.next);
    });
  }

  // ---- Whether it wraps

  bool bounded(const std::vector<Induction>& inductions, const std::vector<LoopBound>& bounds,
               u32 n, Op op) {
    const Induction& i = inductions[n];
    if (i.step != kNoValue || i.constant == 0 || g_.type(i.value) != kNarrow) return false;
    for (const LoopBound& bound : bounds)
      if (bound.induction == n && cfg_.dominates(bound.exit.block, latch_) &&
          holds_in(i, bound, {op == Op::sext})) {
        bound_ = &bound;
        return true;
      }
    return false;
  }

  // A step is taken from what passed the test: from `next` of the iteration before, or the start;
  // or from the value itself, if that is tested. In the latter case, however, an iteration that
  // fails the test may have made its `next` already: next_too_ says whether that is in range, too.
  bool holds_in(const Induction& i, const LoopBound& bound, Range range) {
    const bool up = i.constant > 0;
    const i64 end = up ? range.most() : range.least();
    i64 passing = end;
    if (g_.is_constant(bound.limit)) passing = range.number(g_.values[bound.limit].bits);
    switch (bound.compare) {
      case Op::slt:
      case Op::ult:
        passing -= 1;
        [[fallthrough]];
      case Op::sle:
      case Op::ule:
        if (!up) return false;
        break;
      case Op::sgt:
      case Op::ugt:
        passing += 1;
        [[fallthrough]];
      case Op::sge:
      case Op::uge:
        if (up) return false;
        break;
      default:
        return false;
    }
    const bool compares_signed = bound.compare == Op::slt || bound.compare == Op::sle ||
                                 bound.compare == Op::sgt || bound.compare == Op::sge;
    if (compares_signed != range.is_signed) return false;
    const i64 start = farthest_start(i, range, up);
    const auto farther = [&](i64 a, i64 b) { return up ? std::max(a, b) : std::min(a, b); };
    const i64 stepped = bound.tests_next ? farther(passing, start) : passing;
    next_too_ = bound.tests_next || range.has(farther(passing + i.constant, start) + i.constant);
    return range.has(stepped + i.constant);
  }

  i64 farthest_start(const Induction& i, Range range, bool up) const {
    if (g_.is_constant(i.start)) return range.number(g_.values[i.start].bits);
    const i64 end = up ? range.most() : range.least();
    return guarded(i.start, range, up) ? end + (up ? -1 : 1) : end;
  }

  // Whether the loop is reached only if the start is below (above) something.
  bool guarded(ValueId start, Range range, bool up) const {
    BlockId at = before_;
    for (u32 n = 0; n < kMostGuards; ++n) {
      const auto from = cfg_.predecessors(at);
      if (from.size() != 1) return false;
      at = from[0].block;
      const Inst& t = g_.terminator(at);
      if (t.op != Op::br_if) continue;
      const Inst* c = g_.definition(g_.operand(t, 0));
      if (!c || ir::op_info(c->op).signature != ir::Signature::IntCompare) continue;
      Op compare = from[0].edge == 0 ? c->op : ir::inverted(c->op);
      if (g_.operand(*c, 1) == start)
        compare = ir::swapped(compare);
      else if (g_.operand(*c, 0) != start)
        continue;
      const Op wanted = range.is_signed ? (up ? Op::slt : Op::sgt) : (up ? Op::ult : Op::ugt);
      if (compare == wanted) return true;
    }
    return false;
  }

  // ---- The change

  ValueId extended(ValueId v, Op op) {
    const InstId id = g_.make(op, kWide, {v}, 0, 0, location_);
    if (g_.is_constant(v)) return evaluate(g_, g_.insts[id]);
    g_.insert(before_, g_.blocks[before_].instructions.size() - 1, id);
    return g_.insts[id].result;
  }

  void widen(const Induction& i, Op op) {
    const InstId advance = g_.values[i.next].index;
    location_ = g_.insts[advance].location;
    const BlockId header = cfg_.loops()[loop_].header;
    const ValueId start = extended(i.start, op), limit = extended(bound_->limit, op);
    const ValueId wide = g_.add_argument(header, kWide);
    const ValueId step = g_.constant(kWide, static_cast<u64>(i.constant));
    const InstId add = g_.make(Op::add, kWide, {wide, step}, 0, 0, location_);
    const ValueId next = g_.insts[add].result;
    insert_before(advance, add);
    pass(before_, start), pass(latch_, next);
    for (const InstId id : extensions_) {
      const ValueId v = g_.operand(g_.insts[id], 0);
      if (g_.insts[id].op != op) continue;
      if (v == i.value) g_.replace(g_.insts[id].result, wide);
      if (v == i.next && next_too_) g_.replace(g_.insts[id].result, next);
    }
    test(bound_->tests_next ? next : wide, limit);
    cut_off(i, wide, next, advance);
  }

  // The same test of what is wider. Who else asks for it gets the same answer.
  void test(ValueId tested, ValueId limit) {
    const Inst& t = g_.terminator(bound_->exit.block);
    const Op compare = bound_->exit.edge == 0 ? ir::inverted(bound_->compare) : bound_->compare;
    const ValueId operands[] = {tested, limit};
    g_.rewrite(g_.values[g_.operand(t, 0)].index, compare, operands);
  }

  // Whoever still asks for the 32 bits gets the lower half.
  void cut_off(const Induction& i, ValueId wide, ValueId next, InstId advance) {
    const BlockId header = cfg_.loops()[loop_].header;
    const InstId low = g_.make(Op::trunc, kNarrow, {wide}, 0, 0, location_);
    g_.insert(header, 0, low);
    g_.replace(i.value, g_.insts[low].result);
    const InstId low_next = g_.make(Op::trunc, kNarrow, {next}, 0, 0, location_);
    insert_before(advance, low_next);
    g_.replace(i.next, g_.insts[low_next].result);
  }

  void insert_before(InstId place, InstId what) {
    const BlockId b = g_.insts[place].block;
    const auto& list = g_.blocks[b].instructions;
    const auto at = std::find(list.begin(), list.end(), place);
    g_.insert(b, static_cast<usize>(at - list.begin()), what);
  }

  void pass(BlockId from, ValueId v) {
    for (Edge& e : g_.edges(g_.terminator(from)))
      if (e.block == cfg_.loops()[loop_].header) g_.add_edge_argument(e, v);
  }

  Graph& g_;
  const Cfg& cfg_;
  const u32 loop_;
  BlockId before_ = kNoBlock, latch_ = kNoBlock;
  ir::Location location_ = 0;
  std::vector<InstId> extensions_;
  const LoopBound* bound_ = nullptr;  // shows that it does not wrap
  bool next_too_ = false;             // nor does what is made in the last iteration
};

}  // namespace

bool widen_inductions(Graph& graph, const Context& context) {
  const Cfg cfg(graph);
  bool changed = false;
  for (u32 l = 0; l < cfg.loops().size(); ++l)
    if (Widener(graph, cfg, l).run()) {
      graph.settle();
      changed = true;
    }
  // What counted 32 bits is dead now, and in the way of passes that look at whole loops.
  if (changed) dce(graph, context);
  return changed;
}

}  // namespace bf::passes
