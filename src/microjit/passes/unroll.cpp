// Loops of one block that go round a known, small number of times become straight code.
//
// All copies go into one block, with the values of each iteration in place of the header's
// arguments; what is used behind the loop is what the last copy made.
#include <algorithm>

#include "microjit/passes/cfg.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

// Copies times instructions; what folds away afterwards is not known here.
constexpr u64 kMostTrips = 16, kMostInstructions = 160;

class Unroller {
 public:
  Unroller(Graph& graph, const Cfg& cfg, u32 loop)
      : g_(graph), cfg_(cfg), loop_(loop), b_(cfg.loops()[loop].header) {}

  bool run() {
    if (cfg_.loops()[loop_].blocks.size() != 1) return false;
    before_ = preheader(g_, cfg_, loop_);
    if (before_ == kNoBlock || g_.terminator(b_).op != Op::br_if || !count()) return false;
    const Inst& end = g_.terminator(b_);
    const u32 back = g_.edges(end)[0].block == b_ ? 0 : 1;
    if (g_.edges(end)[1 - back].block == b_) return false;
    build(back);
    return true;
  }

 private:
  bool count() {
    const std::vector<Induction> inductions = find_inductions(g_, cfg_, loop_);
    for (const LoopBound& bound : find_bounds(g_, cfg_, loop_, inductions))
      if (count_trips(g_, inductions[bound.induction], bound, kMostTrips, trips_))
        return (trips_ + 1) * g_.blocks[b_].instructions.size() <= kMostInstructions;
    return false;
  }

  ValueId now(ValueId v) const {
    for (auto at = values_.rbegin(); at != values_.rend(); ++at)
      if (at->first == v) return at->second;
    return v;
  }
  std::vector<ValueId> now(std::span<const ValueId> list) const {
    std::vector<ValueId> out;
    for (const ValueId v : list) out.push_back(now(v));
    return out;
  }

  void build(u32 back) {
    const BlockId straight = g_.add_block();
    const auto start = g_.arguments(g_.edges(g_.terminator(before_))[0]);
    std::vector<ValueId> entering(start.begin(), start.end());
    const std::vector<InstId> body(g_.blocks[b_].instructions.begin(),
                                   g_.blocks[b_].instructions.end() - 1);
    for (u64 copy = 0; copy <= trips_; ++copy) {
      values_.clear();
      for (usize n = 0; n < entering.size(); ++n)
        values_.push_back({g_.blocks[b_].arguments[n], entering[n]});
      for (const InstId id : body) append_copy(straight, id);
      entering = now(g_.arguments(g_.edges(g_.terminator(b_))[back]));
    }
    const Edge out = g_.edges(g_.terminator(b_))[1 - back];
    const std::vector<ValueId> leaving = now(g_.arguments(out));
    const Graph::Jump jump{out.block, leaving};
    g_.append(straight, g_.make_jump(Op::br, {}, {&jump, 1}, g_.terminator(b_).location));
    Edge& edge = g_.edges(g_.terminator(before_))[0];
    edge.block = straight;
    g_.set_arguments(edge, {});
    for (const auto& [old, last] : values_) g_.replace(old, last);
    // Nobody comes here any more, but its uses must not be taken for those of the copies.
    g_.make_unreachable(b_);
    g_.filter(b_, [&](InstId id) { return id == g_.blocks[b_].instructions.back(); });
    g_.settle();
  }

  void append_copy(BlockId to, InstId id) {
    const Inst i = g_.insts[id];
    const InstId copy = g_.make(i.op, i.type, now(g_.operands(i)), i.aux, i.imm, i.location);
    if (i.result != kNoValue) values_.push_back({i.result, g_.insts[copy].result});
    if (i.second_result != kNoValue) {
      const ValueId second = g_.add_second_result(copy, g_.type(i.second_result));
      values_.push_back({i.second_result, second});
    }
    g_.append(to, copy);
  }

  Graph& g_;
  const Cfg& cfg_;
  const u32 loop_;
  const BlockId b_;
  BlockId before_ = kNoBlock;
  u64 trips_ = 0;                                    // along the back edge
  std::vector<std::pair<ValueId, ValueId>> values_;  // of the loop, in the present copy
};

}  // namespace

bool unroll(Graph& graph, const Context&) {
  if (Cfg(graph).loops().empty()) return false;
  bool changed = make_preheaders(graph), again = true;
  for (u32 n = 0; again && n < 16; ++n) {
    again = false;
    const Cfg cfg(graph);
    for (u32 l = 0; l < cfg.loops().size() && !again; ++l) again = Unroller(graph, cfg, l).run();
    changed = changed || again;
  }
  return changed;
}

}  // namespace bf::passes
