// A loop's last test asks about the next round's number instead of this one's.
//
//   %n = add %i, 1                          %n = add %i, 1
//   %c = eq %i, %last                       %c = eq %n, %l     %l is %last + 1, before the loop
//   br_if %c, out, again(%n)                br_if %c, out, again(%n)
//
// %i ends where %n begins, so both fit one register, and the round needs no move. Exact for
// equality, whatever wraps; what is greater or less may change where numbers wrap, and stays.
// (LLVM's indvars does the same under the name of linear function test replacement.)
#include "microjit/passes/loops.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class Tester {
 public:
  Tester(Graph& graph, const Cfg& cfg, const std::vector<u32>& uses)
      : g_(graph), cfg_(cfg), uses_(uses) {}

  bool loop(u32 l) {
    const BlockId before = preheader(g_, cfg_, l), last = latch(g_, cfg_, l);
    if (before == kNoBlock || last == kNoBlock || g_.terminator(last).op != Op::br_if) return false;
    const ValueId condition = g_.operand(g_.terminator(last), 0);
    const Inst* const test = g_.definition(condition);
    if (!test || (test->op != Op::eq && test->op != Op::ne) || uses_[condition] != 1) return false;
    for (const Induction& i : find_inductions(g_, cfg_, l))
      for (const u32 n : {0u, 1u})
        if (g_.operand(*test, n) == i.value && invariant(g_, cfg_, l, g_.operand(*test, 1 - n)))
          return ask(before, last, i, g_.operand(*test, 1 - n));
    return false;
  }

 private:
  bool ask(BlockId before, BlockId last, const Induction& i, ValueId limit) {
    const Type type = g_.type(i.value);
    const bool address = type.kind == ir::Kind::Ptr;
    const ValueId step = i.step != kNoValue ? i.step
                                            : g_.constant(address ? Type{ir::Kind::I64} : type,
                                                          static_cast<u64>(i.constant));
    const ValueId next_limit = add(before, type, limit, step);
    const InstId end = g_.blocks[last].instructions.back();
    const Op op = g_.definition(g_.operand(g_.insts[end], 0))->op;
    const ValueId condition = g_.emit_before_end(last, op, {ir::Kind::I1}, {i.next, next_limit});
    g_.operands(g_.insts[end])[0] = condition;
    return true;
  }

  ValueId add(BlockId before, Type type, ValueId limit, ValueId step) {
    if (g_.is_constant(limit) && g_.is_constant(step))
      return g_.constant(type, g_.values[limit].bits + g_.values[step].bits);
    const Op op = type.kind == ir::Kind::Ptr ? Op::ptradd : Op::add;
    return g_.emit_before_end(before, op, type, {limit, step});
  }

  Graph& g_;
  const Cfg& cfg_;
  const std::vector<u32>& uses_;
};

}  // namespace

bool test_next(Graph& graph, const Context&) {
  const Cfg cfg(graph);
  if (cfg.loops().empty()) return false;
  const std::vector<u32> uses = count_uses(graph);
  Tester tester(graph, cfg, uses);
  bool changed = false;
  for (u32 l = 0; l < cfg.loops().size(); ++l) changed = tester.loop(l) || changed;
  return changed;
}

}  // namespace bf::passes
