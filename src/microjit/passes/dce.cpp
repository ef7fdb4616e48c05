// Dead code elimination: what has an effect is needed, and what something needed uses. All else
// goes: instructions, and block arguments with what the edges pass for them. Cycles of values that
// only feed each other go, too.
#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class Eliminator {
 public:
  explicit Eliminator(Graph& graph) : g_(graph), cfg_(graph), live_(graph.values.size()) {}

  bool run() {
    for (const BlockId b : cfg_.order())
      for (const InstId id : g_.blocks[b].instructions)
        if (const Inst& i = g_.insts[id]; !removable(i)) need_all(g_.operands(i));
    while (!work_.empty()) {
      const ValueId v = work_.back();
      work_.pop_back();
      trace(v);
    }
    for (const BlockId b : cfg_.order()) sweep(b);
    return changed_;
  }

 private:
  void need(ValueId v) {
    if (live_[v]) return;
    live_[v] = true;
    work_.push_back(v);
  }
  void need_all(std::span<const ValueId> values) {
    for (const ValueId v : values) need(v);
  }

  void trace(ValueId v) {
    if (const Inst* i = g_.definition(v)) return need_all(g_.operands(*i));
    if (g_.is_constant(v)) return;
    const BlockId b = g_.values[v].index;
    u32 n = 0;
    while (g_.blocks[b].arguments[n] != v) ++n;
    for (const auto& p : cfg_.predecessors(b))
      need(g_.arguments(g_.edges(g_.terminator(p.block))[p.edge])[n]);
  }

  void sweep(BlockId b) {
    const usize before = g_.blocks[b].instructions.size();
    g_.filter(b, [&](InstId id) {
      const Inst& i = g_.insts[id];
      return !removable(i) || (i.result != kNoValue && live_[i.result]);
    });
    changed_ = changed_ || g_.blocks[b].instructions.size() != before;
    if (b == 0) return;  // the parameters stay
    for (u32 n = static_cast<u32>(g_.blocks[b].arguments.size()); n-- > 0;) {
      if (live_[g_.blocks[b].arguments[n]]) continue;
      g_.remove_argument(b, n);
      changed_ = true;
    }
  }

  Graph& g_;
  const Cfg cfg_;
  std::vector<bool> live_;
  std::vector<ValueId> work_;
  bool changed_ = false;
};

}  // namespace

bool dce(Graph& graph, const Context&) { return Eliminator(graph).run(); }

}  // namespace bf::passes
