// Sparse conditional constant propagation: what is constant as long as only those branches are
// taken that constants allow. Unlike `fold` it starts by believing the best, so that a value which
// goes round a loop and comes back the same is seen to be constant.
//
//   b1(%i: i32, %flag: i32):               %flag starts as 0, and only b2 would change it:
//     %c: i1 = eq %flag, i32 0               it is 0, and b2 is never reached
//     br_if %c, b3(%flag), b2
//
// M. Wegman, F. Zadeck, "Constant Propagation with Conditional Branches", TOPLAS 13(2), 1991.
#include "microjit/passes/evaluate.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class Propagator {
 public:
  explicit Propagator(Graph& graph)
      : g_(graph), facts_(graph.values.size(), kUnseen), reached_(graph.blocks.size()) {
    list_users();
  }

  bool run() {
    for (const ValueId v : g_.blocks[0].arguments) facts_[v] = kVaries;
    reach(0);
    while (!blocks_.empty() || !values_.empty()) {
      if (!values_.empty()) {
        const ValueId v = values_.back();
        values_.pop_back();
        for (u32 n = first_user_[v]; n < first_user_[v + 1]; ++n)
          if (reached_[g_.insts[users_[n]].block]) visit(users_[n]);
        continue;
      }
      const BlockId b = blocks_.back();
      blocks_.pop_back();
      for (const InstId id : g_.blocks[b].instructions) visit(id);
    }
    apply();
    return changed_;
  }

 private:
  // What is known of a value: nothing yet, one constant, or that it is none. It only gets worse.
  static constexpr ValueId kUnseen = kNoValue, kVaries = kNoValue - 1;

  template <class F>
  void for_each_use(const Inst& i, F f) const {
    for (const ValueId v : g_.operands(i)) f(v);
    for (const Edge& e : g_.edges(i))
      for (const ValueId v : g_.arguments(e)) f(v);
  }

  void list_users() {
    first_user_.assign(g_.values.size() + 1, 0);
    for (const Block& b : g_.blocks)
      for (const InstId id : b.instructions)
        for_each_use(g_.insts[id], [&](ValueId v) { ++first_user_[v + 1]; });
    for (usize v = 0; v < g_.values.size(); ++v) first_user_[v + 1] += first_user_[v];
    users_.resize(first_user_.back());
    std::vector<u32> next(first_user_.begin(), first_user_.end() - 1);
    for (const Block& b : g_.blocks)
      for (const InstId id : b.instructions)
        for_each_use(g_.insts[id], [&](ValueId v) { users_[next[v]++] = id; });
  }

  // Constants are what they are, those made on the way too.
  ValueId fact(ValueId v) const { return g_.is_constant(v) ? v : facts_[v]; }

  void meet(ValueId v, ValueId with) {
    ValueId& now = facts_[v];
    if (with == kUnseen || now == kVaries || now == with) return;
    if (now == kUnseen)
      now = with;
    else if (with != kVaries && same_constant(g_, now, with))
      return;
    else
      now = kVaries;
    values_.push_back(v);
  }

  void reach(BlockId b) {
    if (reached_[b]) return;
    reached_[b] = true;
    blocks_.push_back(b);
  }

  void visit(InstId id) {
    const Inst& i = g_.insts[id];
    if (i.edge_count > 0) return jump(i);
    if (i.second_result != kNoValue) meet(i.second_result, kVaries);
    if (i.result == kNoValue || facts_[i.result] == kVaries) return;
    // Making constants moves instructions.
    const ValueId result = i.result;
    meet(result, outcome(id));
  }

  ValueId outcome(InstId id) {
    const Inst& i = g_.insts[id];
    const ir::Effects effects = ir::op_info(i.op).effects;
    if (effects != ir::Effects::Pure && effects != ir::Effects::Traps) return kVaries;
    if (i.op == Op::select && !g_.type(g_.operand(i, 0)).is_vector()) return choice(i);
    bool unseen = false;
    operands_.clear();
    for (const ValueId v : g_.operands(i)) {
      operands_.push_back(fact(v));
      if (operands_.back() == kVaries) return kVaries;
      unseen = unseen || operands_.back() == kUnseen;
    }
    if (unseen || operands_.empty()) return unseen ? kUnseen : kVaries;
    if (facts_[i.result] != kUnseen) return facts_[i.result];
    const ValueId v = evaluate(g_, i, operands_);
    return v == kNoValue ? kVaries : v;
  }

  ValueId choice(const Inst& i) const {
    const ValueId condition = fact(g_.operand(i, 0));
    if (condition == kUnseen) return kUnseen;
    const ValueId yes = fact(g_.operand(i, 1)), no = fact(g_.operand(i, 2));
    if (condition != kVaries) return g_.values[condition].bits != 0 ? yes : no;
    if (yes == kUnseen || no == kUnseen) return kUnseen;
    return yes != kVaries && no != kVaries && same_constant(g_, yes, no) ? yes : kVaries;
  }

  void jump(const Inst& t) {
    if (t.op == Op::br) return take(t, 0);
    const ValueId v = fact(g_.operand(t, 0));
    if (v == kUnseen) return;
    if (v != kVaries) return take(t, edge_for(t, g_.values[v].bits));
    for (u32 n = 0; n < t.edge_count; ++n) take(t, n);
  }

  u32 edge_for(const Inst& t, u64 bits) const {
    if (t.op == Op::br_if) return bits != 0 ? 0 : 1;
    for (u32 n = 1; n < t.edge_count; ++n)
      if (g_.cases[t.aux + n - 1] == bits) return n;
    return 0;
  }

  // Also for an edge that was taken before: what it passes may have become worse.
  void take(const Inst& t, u32 n) {
    const Edge& e = g_.edges(t)[n];
    for (u32 k = 0; k < e.argument_count; ++k)
      meet(g_.blocks[e.block].arguments[k], fact(g_.arguments(e)[k]));
    reach(e.block);
  }

  // ---- Afterwards

  bool is_found(ValueId v) const { return v != kNoValue && facts_[v] < kVaries; }

  void apply() {
    for (BlockId b = 0; b < g_.blocks.size(); ++b) {
      if (!reached_[b]) continue;
      for (u32 n = static_cast<u32>(g_.blocks[b].arguments.size()); n-- > 0;) {
        const ValueId v = g_.blocks[b].arguments[n];
        if (!is_found(v)) continue;
        g_.replace(v, facts_[v]);
        g_.remove_argument(b, n);
        changed_ = true;
      }
      g_.filter(b, [&](InstId id) {
        const ValueId v = g_.insts[id].result;
        if (!is_found(v)) return true;
        g_.replace(v, facts_[v]);
        changed_ = true;
        return false;
      });
      cut(b);
    }
    g_.settle();
  }

  // A branch of which one way is taken only.
  void cut(BlockId b) {
    const Inst& t = g_.terminator(b);
    if (t.op == Op::br || t.edge_count == 0) return;
    const ValueId v = fact(g_.operand(t, 0));
    if (v >= kVaries) return;
    g_.make_branch(b, edge_for(t, g_.values[v].bits));
    changed_ = true;
  }

  Graph& g_;
  std::vector<ValueId> facts_;
  std::vector<bool> reached_;    // by block
  std::vector<u32> first_user_;  // by value: where its users start
  std::vector<InstId> users_;
  std::vector<BlockId> blocks_;  // reached, not looked at yet
  std::vector<ValueId> values_;  // got worse, users not looked at yet
  std::vector<ValueId> operands_;
  bool changed_ = false;
};

}  // namespace

bool sccp(Graph& graph, const Context&) {
  return Propagator(graph).run();
}

}  // namespace bf::passes
