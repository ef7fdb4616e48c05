// If-conversion: a short way round (if without else) or two short ways that meet again become
// selects, where everything on them can be computed anyway and costs less than a wrong guess.
#include "microjit/passes/cfg.h"
#include "microjit/passes/guesses.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr u32 kMostCost = 5;     // of what is computed in vain, in ops.def's cycles
constexpr u32 kMostChoices = 2;  // selects

class Converter {
 public:
  explicit Converter(Graph& graph) : g_(graph), cfg_(graph), guesses_(graph) {}

  bool run() {
    bool changed = false;
    // Inner ones first: what they become may be short enough for what is around them.
    for (usize n = cfg_.order().size(); n-- > 0;) changed = convert(cfg_.order()[n]) || changed;
    return changed;
  }

 private:
  // A block that is only entered from `from`, computes little, and jumps on.
  bool is_short(BlockId b, BlockId from, u32& cost) const {
    if (b == 0 || cfg_.predecessors(b).size() != 1 || !g_.blocks[b].arguments.empty()) return false;
    if (cfg_.predecessors(b)[0].block != from || g_.terminator(b).op != Op::br) return false;
    for (const InstId id : g_.blocks[b].instructions) {
      const Inst& i = g_.insts[id];
      if (i.op == Op::br) continue;
      if (!movable(i) || i.type.is_vector()) return false;
      cost += ir::op_info(i.op).cost;
    }
    return cost <= kMostCost;
  }

  Edge way_out(BlockId b) const { return g_.edges(g_.terminator(b))[0]; }

  bool convert(BlockId b) {
    const Inst& t = g_.terminator(b);
    if (t.op != Op::br_if) return false;
    const Edge yes = g_.edges(t)[0], no = g_.edges(t)[1];
    if (yes.block == no.block) return false;
    u32 yes_cost = 0, no_cost = 0;
    const bool short_yes = is_short(yes.block, b, yes_cost),
               short_no = is_short(no.block, b, no_cost);
    if (short_yes && short_no && way_out(yes.block).block == way_out(no.block).block &&
        yes_cost + no_cost <= kMostCost)
      return join(b, yes.block, no.block, way_out(yes.block), way_out(no.block));
    if (short_yes && way_out(yes.block).block == no.block)
      return join(b, yes.block, kNoBlock, way_out(yes.block), no);
    if (short_no && way_out(no.block).block == yes.block)
      return join(b, kNoBlock, no.block, yes, way_out(no.block));
    return false;
  }

  bool join(BlockId b, BlockId yes_block, BlockId no_block, Edge yes, Edge no) {
    if (yes.block == b) return false;
    const ValueId condition = g_.operand(g_.terminator(b), 0);
    u32 choices = 0;
    for (u32 n = 0; n < yes.argument_count; ++n) {
      const ValueId v = g_.arguments(yes)[n];
      if (v == g_.arguments(no)[n]) continue;
      if (g_.type(v).is_float() || g_.type(v).is_vector()) return false;
      if (guesses_.better_guessed(condition, g_.blocks[yes.block].arguments[n])) return false;
      ++choices;
    }
    if (choices > kMostChoices) return false;
    const ir::Location location = g_.terminator(b).location;
    auto& list = g_.blocks[b].instructions;
    const InstId branch = list.back();
    list.pop_back();
    for (const BlockId from : {yes_block, no_block}) {
      if (from == kNoBlock) continue;
      auto& moved = g_.blocks[from].instructions;
      for (usize n = 0; n + 1 < moved.size(); ++n) g_.append(b, moved[n]);
      moved.erase(moved.begin(), moved.end() - 1);
    }
    std::vector<ValueId> arguments;
    for (u32 n = 0; n < yes.argument_count; ++n) {
      const ValueId a = g_.arguments(yes)[n], other = g_.arguments(no)[n];
      if (a == other) {
        arguments.push_back(a);
        continue;
      }
      const InstId choice = g_.make(Op::select, g_.type(a), {condition, a, other}, 0, 0, location);
      g_.append(b, choice);
      arguments.push_back(g_.insts[choice].result);
    }
    const Graph::Jump jump{yes.block, arguments};
    g_.append(b, g_.make_jump(Op::br, {}, {&jump, 1}, location));
    g_.insts[branch].block = kNoBlock;
    for (const BlockId from : {yes_block, no_block})
      if (from != kNoBlock) g_.make_unreachable(from);
    return true;
  }

  Graph& g_;
  const Cfg cfg_;
  Guesses guesses_;
};

}  // namespace

bool if_convert(Graph& graph, const Context&) {
  return Converter(graph).run();
}

}  // namespace bf::passes
