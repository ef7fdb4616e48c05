// Jump threading: a block that only asks about what it was passed, and somebody who passes it a
// constant that answers: that one jumps right to where the answer leads.
//
//   b1(%x: i32):                          from `br b1(i32 0)`:
//     %c: i1 = eq %x, i32 0                 becomes `br b2`
//     br_if %c, b2, b3
#include "microjit/passes/cfg.h"
#include "microjit/passes/evaluate.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr usize kMostInstructions = 4;  // with the branch

class Threader {
 public:
  explicit Threader(Graph& graph) : g_(graph), cfg_(graph) {}

  bool run() {
    for (const BlockId b : cfg_.order())
      if (asks(b))
        for (const auto& p : cfg_.predecessors(b)) thread(b, p);
    return changed_;
  }

 private:
  // Nothing of the block is seen outside but through its own edges.
  bool asks(BlockId b) {
    const auto& block = g_.blocks[b];
    const Inst& t = g_.terminator(b);
    if (b == 0 || cfg_.is_header(b) || block.arguments.empty()) return false;
    if (block.instructions.size() > kMostInstructions) return false;
    if (t.op != Op::br_if && t.op != Op::switch_) return false;
    for (const InstId id : block.instructions)
      if (const Inst& i = g_.insts[id]; i.result != kNoValue && !movable(i))
        return false;
      else if (i.result == kNoValue && id != block.instructions.back())
        return false;
    if (uses_.empty()) uses_ = count_uses(g_);
    for (const ValueId v : block.arguments)
      if (uses_[v] != uses_here(b, v)) return false;
    for (const InstId id : block.instructions)
      if (const ValueId v = g_.insts[id].result; v != kNoValue && uses_[v] != uses_here(b, v))
        return false;
    return true;
  }

  u32 uses_here(BlockId b, ValueId v) const {
    u32 n = 0;
    for (const InstId id : g_.blocks[b].instructions) {
      for (const ValueId o : g_.operands(g_.insts[id])) n += o == v;
      for (const Edge& e : g_.edges(g_.insts[id]))
        for (const ValueId a : g_.arguments(e)) n += a == v;
    }
    return n;
  }

  ValueId known(ValueId v) const {
    for (const auto& [from, to] : map_)
      if (from == v) return to;
    return v;
  }

  void thread(BlockId b, const Cfg::Predecessor& p) {
    const Edge in = g_.edges(g_.terminator(p.block))[p.edge];
    if (in.block != b || p.block == b) return;
    map_.clear();
    for (u32 n = 0; n < in.argument_count; ++n)
      map_.push_back({g_.blocks[b].arguments[n], g_.arguments(in)[n]});
    for (const InstId id : g_.blocks[b].instructions) {
      const Inst i = g_.insts[id];
      if (i.result == kNoValue) break;
      operands_.clear();
      bool constant = i.operand_count > 0;
      for (const ValueId v : g_.operands(i)) {
        operands_.push_back(known(v));
        constant = constant && operands_.back() != kNoValue && g_.is_constant(operands_.back());
      }
      const ValueId v = constant ? evaluate(g_, i, operands_) : kNoValue;
      map_.push_back({i.result, v});  // kNoValue: not known here
    }
    const Inst& t = g_.terminator(b);
    const ValueId answer = known(g_.operand(t, 0));
    if (answer == kNoValue || !g_.is_constant(answer)) return;
    const Edge out = g_.edges(t)[edge_for(t, g_.values[answer].bits)];
    if (cfg_.is_header(out.block)) return;  // loops keep their one entry
    operands_.clear();
    for (const ValueId v : g_.arguments(out)) {
      operands_.push_back(known(v));
      if (operands_.back() == kNoValue) return;
    }
    Edge& e = g_.edges(g_.terminator(p.block))[p.edge];
    for (const ValueId v : g_.arguments(e)) --uses_[v];
    uses_.resize(g_.values.size());  // constants may be new
    for (const ValueId v : operands_) ++uses_[v];
    g_.set_arguments(e, operands_);
    e.block = out.block;
    changed_ = true;
  }

  u32 edge_for(const Inst& t, u64 bits) const {
    if (t.op == Op::br_if) return bits != 0 ? 0 : 1;
    for (u32 n = 1; n < t.edge_count; ++n)
      if (g_.cases[t.aux + n - 1] == bits) return n;
    return 0;
  }

  struct Known {
    ValueId from, to;
  };

  Graph& g_;
  const Cfg cfg_;
  std::vector<u32> uses_;  // counted for the first block that might ask
  std::vector<Known> map_;
  std::vector<ValueId> operands_;
  bool changed_ = false;
};

}  // namespace

bool thread_jumps(Graph& graph, const Context&) {
  return Threader(graph).run();
}

}  // namespace bf::passes
