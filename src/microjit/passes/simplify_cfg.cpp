// The shape of the graph: branches whose way is known, blocks that do nothing, blocks that follow
// each other, block arguments that are always the same, blocks that nothing leads to.
//
// Rounds over all blocks until nothing changes. Within a round predecessors are those of its start:
// what is no longer certain waits for the next one.
#include "microjit/passes/cfg.h"
#include "microjit/passes/guesses.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class Simplifier {
 public:
  explicit Simplifier(Graph& graph) : g_(graph), guesses_(graph) {}

  bool run() {
    constexpr int kMostRounds = 8;
    bool any = false;
    for (int n = 0; n < kMostRounds; ++n) {
      changed_ = false;
      guesses_.forget();
      for (BlockId b = 0; b < g_.blocks.size(); ++b) branch(b);
      {
        const Cfg cfg(g_);
        drop_unreachable(cfg);
        same_arguments(cfg);
        g_.settle();
        merge(cfg);
        g_.settle();
      }
      forward_empty();
      any = any || changed_;
      if (!changed_) break;
    }
    return any;
  }

 private:
  // ---- Branches

  bool same_target(const Inst& t, u32 a, u32 b) const {
    const auto edges = g_.edges(t);
    if (edges[a].block != edges[b].block) return false;
    for (u32 n = 0; n < edges[a].argument_count; ++n)
      if (g_.arguments(edges[a])[n] != g_.arguments(edges[b])[n]) return false;
    return true;
  }

  void branch(BlockId b) {
    if (g_.blocks[b].instructions.empty()) return;
    const Inst& t = g_.terminator(b);
    if (t.op == Op::br_if)
      branch_if(b, t);
    else if (t.op == Op::switch_)
      branch_switch(b, t);
  }

  void take(BlockId b, u32 edge) {
    g_.make_branch(b, edge);
    changed_ = true;
  }

  void branch_if(BlockId b, const Inst& t) {
    const ValueId c = g_.operand(t, 0);
    if (g_.is_constant(c)) return take(b, g_.values[c].bits != 0 ? 0 : 1);
    if (same_target(t, 0, 1)) return take(b, 0);
    if (ends_in_nothing(g_.edges(t)[0].block)) return take(b, 1);
    if (ends_in_nothing(g_.edges(t)[1].block)) return take(b, 0);
    choose_arguments(b, t);
  }

  // A block that cannot be reached by a program that means anything.
  bool ends_in_nothing(BlockId b) const {
    return g_.blocks[b].instructions.size() == 1 && g_.terminator(b).op == Op::unreachable;
  }

  // Both ways lead to the same block with other arguments: choose the arguments.
  void choose_arguments(BlockId b, const Inst& t) {
    constexpr u32 kMostChoices = 2;
    const Edge one = g_.edges(t)[0], two = g_.edges(t)[1];
    if (one.block != two.block) return;
    const ValueId condition = g_.operand(t, 0);
    u32 choices = 0;
    for (u32 n = 0; n < one.argument_count; ++n) {
      if (g_.arguments(one)[n] == g_.arguments(two)[n]) continue;
      if (g_.type(g_.arguments(one)[n]).is_float()) return;
      if (guesses_.better_guessed(condition, g_.blocks[one.block].arguments[n])) return;
      ++choices;
    }
    if (choices > kMostChoices) return;
    for (u32 n = 0; n < one.argument_count; ++n) {
      const ValueId yes = g_.arguments(one)[n], no = g_.arguments(two)[n];
      if (yes == no) continue;
      const ValueId v = g_.emit_before_end(b, Op::select, g_.type(yes), {condition, yes, no});
      g_.arguments(g_.edges(g_.terminator(b))[0])[n] = v;
    }
    take(b, 0);
  }

  void branch_switch(BlockId b, const Inst& t) {
    const ValueId v = g_.operand(t, 0);
    if (g_.is_constant(v)) {
      for (u32 n = 1; n < t.edge_count; ++n)
        if (g_.cases[t.aux + n - 1] == g_.values[v].bits) return take(b, n);
      return take(b, 0);
    }
    bool all_same = true;
    for (u32 n = 1; n < t.edge_count; ++n) all_same = all_same && same_target(t, 0, n);
    if (all_same) return take(b, 0);
    if (t.edge_count == 2) one_case(b);
  }

  void one_case(BlockId b) {
    const ValueId v = g_.operand(g_.terminator(b), 0);
    const ValueId value = g_.constant(g_.type(v), g_.cases[g_.terminator(b).aux]);
    const ValueId c = g_.emit_before_end(b, Op::eq, {Kind::I1}, {v, value});
    Inst& t = g_.terminator(b);
    t.op = Op::br_if;
    t.aux = 0;
    g_.operands(t)[0] = c;
    const auto edges = g_.edges(t);
    std::swap(edges[0], edges[1]);
    changed_ = true;
  }

  // ---- Blocks

  void drop_unreachable(const Cfg& cfg) {
    for (BlockId b = 0; b < g_.blocks.size(); ++b) {
      if (cfg.reachable(b) || g_.blocks[b].instructions.empty()) continue;
      if (ends_in_nothing(b)) continue;
      g_.make_unreachable(b);
      const InstId last = g_.blocks[b].instructions.back();
      g_.filter(b, [&](InstId id) { return id == last; });
      changed_ = true;
    }
  }

  // Arguments that get one value only, or what another argument of the block gets.
  void same_arguments(const Cfg& cfg) {
    for (const BlockId b : cfg.order()) {
      if (b == 0) continue;
      for (u32 n = static_cast<u32>(g_.blocks[b].arguments.size()); n-- > 0;) {
        const ValueId argument = g_.blocks[b].arguments[n];
        ValueId by = only_value(cfg, b, n, argument);
        if (by == kNoValue) by = twin(cfg, b, n);
        if (by == kNoValue) continue;
        g_.replace(argument, by);
        remove_argument(cfg, b, n);
        changed_ = true;
      }
    }
  }

  ValueId passed(const Cfg::Predecessor& p, u32 n) {
    return g_.resolve(g_.arguments(g_.edges(g_.terminator(p.block))[p.edge])[n]);
  }

  ValueId only_value(const Cfg& cfg, BlockId b, u32 n, ValueId argument) {
    ValueId found = kNoValue;
    for (const auto& p : cfg.predecessors(b)) {
      const ValueId v = passed(p, n);
      if (v == argument || v == found) continue;
      if (found != kNoValue) return kNoValue;
      found = v;
    }
    return found;
  }

  ValueId twin(const Cfg& cfg, BlockId b, u32 n) {
    constexpr u32 kMostCompared = 16;
    const auto& arguments = g_.blocks[b].arguments;
    for (u32 k = 0; k < n && k < kMostCompared; ++k) {
      if (g_.type(arguments[k]) != g_.type(arguments[n])) continue;
      bool same = true;
      for (const auto& p : cfg.predecessors(b))
        if (passed(p, k) != passed(p, n)) {
          same = false;
          break;
        }
      if (same) return arguments[k];
    }
    return kNoValue;
  }

  // Like Graph::remove_argument, from the predecessors that are known.
  void remove_argument(const Cfg& cfg, BlockId b, u32 n) {
    for (const auto& p : cfg.predecessors(b))
      g_.remove_edge_argument(g_.edges(g_.terminator(p.block))[p.edge], n);
    auto& list = g_.blocks[b].arguments;
    list.erase(list.begin() + n);
  }

  // A block that only follows one block, and nothing else follows that, becomes part of it.
  void merge(const Cfg& cfg) {
    // Chains are merged from their ends.
    for (usize n = cfg.order().size(); n-- > 0;) {
      const BlockId b = cfg.order()[n];
      if (b == 0 || cfg.predecessors(b).size() != 1) continue;
      const BlockId before = cfg.predecessors(b)[0].block;
      const Inst& t = g_.terminator(before);
      if (t.op != Op::br || before == b) continue;
      const auto passed = g_.arguments(g_.edges(t)[0]);
      for (u32 k = 0; k < passed.size(); ++k) g_.replace(g_.blocks[b].arguments[k], passed[k]);
      auto& list = g_.blocks[before].instructions;
      g_.insts[list.back()].block = kNoBlock;
      list.pop_back();
      for (const InstId id : g_.blocks[b].instructions) g_.append(before, id);
      g_.blocks[b].instructions.clear();
      g_.blocks[b].arguments.clear();
      const Graph::Jump none[] = {{0, {}}};
      g_.append(b, g_.make_jump(Op::unreachable, {}, {none, 0}));
      changed_ = true;
    }
  }

  // ---- Empty blocks

  void forward_empty() {
    const Cfg cfg(g_);
    std::vector<u32> uses;  // counted for the first block whose arguments matter
    for (const BlockId b : cfg.order()) {
      if (b == 0 || g_.blocks[b].instructions.size() != 1 || g_.terminator(b).op != Op::br)
        continue;
      const Edge to = g_.edges(g_.terminator(b))[0];
      if (to.block == b) continue;
      if (uses.empty() && !g_.blocks[b].arguments.empty()) uses = count_uses(g_);
      if (!only_passes_on(b, to, uses)) continue;
      // The one edge back to a loop's header stays one.
      if (cfg.is_header(to.block) && cfg.predecessors(b).size() > 1) continue;
      for (const auto& p : cfg.predecessors(b)) {
        Edge& e = g_.edges(g_.terminator(p.block))[p.edge];
        if (e.block != b) continue;
        passed_.clear();
        for (const ValueId v : g_.arguments(to)) passed_.push_back(through(b, e, v));
        g_.set_arguments(e, passed_);
        e.block = to.block;
        changed_ = true;
      }
    }
  }

  bool only_passes_on(BlockId b, const Edge& to, const std::vector<u32>& uses) const {
    for (const ValueId a : g_.blocks[b].arguments) {
      u32 here = 0;
      for (const ValueId v : g_.arguments(to)) here += v == a;
      if (uses[a] != here) return false;
    }
    return true;
  }

  // What `v`, perhaps an argument of b, is for who comes by edge e.
  ValueId through(BlockId b, const Edge& e, ValueId v) const {
    const auto& arguments = g_.blocks[b].arguments;
    for (u32 n = 0; n < arguments.size(); ++n)
      if (arguments[n] == v) return g_.arguments(e)[n];
    return v;
  }

  Graph& g_;
  Guesses guesses_;
  bool changed_ = false;
  std::vector<ValueId> passed_;
};

}  // namespace

bool simplify_cfg(Graph& graph, const Context&) {
  return Simplifier(graph).run();
}

}  // namespace bf::passes
