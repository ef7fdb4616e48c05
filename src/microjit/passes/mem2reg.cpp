// Variables of the stack become values. Where several values of a variable meet, and somebody will
// read it, a block argument is made (pruned SSA: R. Cytron et al., "Efficiently Computing Static
// Single Assignment Form", 1991); then one walk down the dominator tree renames all variables.
#include "microjit/passes/mem2reg.h"

#include "microjit/passes/cfg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

class Promoter {
 public:
  Promoter(Graph& graph, const Variables& variables)
      : g_(graph), v_(variables), cfg_(graph), count_(static_cast<u32>(variables.types.size())) {}

  bool run() {
    if (count_ == 0) return false;
    for (BlockId b = 0; b < g_.blocks.size(); ++b)
      if (!cfg_.reachable(b) && !g_.blocks[b].instructions.empty()) g_.make_unreachable(b);
    find_frontiers();
    find_accesses();
    place_arguments();
    for (u32 v = 0; v < count_; ++v) current_.push_back(g_.splat_constant(v_.types[v], 0));
    rename();
    g_.settle();
    return true;
  }

 private:
  u32 variable(InstId id) const { return id < v_.of.size() ? v_.of[id] : kNoVariable; }

  void find_frontiers() {
    frontier_.resize(g_.blocks.size());
    for (const BlockId b : cfg_.order()) {
      if (cfg_.predecessors(b).size() < 2) continue;
      for (const auto& p : cfg_.predecessors(b))
        for (BlockId at = p.block; at != cfg_.immediate_dominator(b);
             at = cfg_.immediate_dominator(at))
          if (frontier_[at].empty() || frontier_[at].back() != b) frontier_[at].push_back(b);
    }
  }

  void find_accesses() {
    writes_.resize(count_);
    reads_.resize(count_);
    std::vector<BlockId> seen_read(count_, kNoBlock), seen_write(count_, kNoBlock);
    for (const BlockId b : cfg_.order())
      for (const InstId id : g_.blocks[b].instructions) {
        const u32 v = variable(id);
        if (v == kNoVariable) continue;
        if (g_.insts[id].op == Op::store) {
          if (seen_write[v] != b) writes_[v].push_back(b);
          seen_write[v] = b;
        } else if (seen_write[v] != b && seen_read[v] != b) {
          reads_[v].push_back(b);
          seen_read[v] = b;
        }
      }
  }

  void place_arguments() {
    meeting_.resize(g_.blocks.size());
    std::vector<u32> live(g_.blocks.size(), kNoVariable), written(live), has(live);
    std::vector<BlockId> work;
    for (u32 v = 0; v < count_; ++v) {
      for (const BlockId b : writes_[v]) written[b] = v;
      // Where its value will be read: backwards from the reads up to the writes.
      work = reads_[v];
      for (const BlockId b : work) live[b] = v;
      while (!work.empty()) {
        const BlockId b = work.back();
        work.pop_back();
        for (const auto& p : cfg_.predecessors(b)) {
          if (live[p.block] == v || written[p.block] == v) continue;
          live[p.block] = v;
          work.push_back(p.block);
        }
      }
      work = writes_[v];
      while (!work.empty()) {
        const BlockId b = work.back();
        work.pop_back();
        for (const BlockId f : frontier_[b]) {
          if (has[f] == v || live[f] != v) continue;
          has[f] = v;
          meeting_[f].push_back({v, g_.add_argument(f, v_.types[v])});
          if (written[f] != v) work.push_back(f);
        }
      }
    }
  }

  void rename() {
    // Children in the dominator tree, first to last in reverse post-order.
    std::vector<BlockId> first(g_.blocks.size(), kNoBlock), next(first);
    const auto& order = cfg_.order();
    for (usize n = order.size(); n-- > 1;) {
      const BlockId parent = cfg_.immediate_dominator(order[n]);
      next[order[n]] = first[parent];
      first[parent] = order[n];
    }
    struct Visit {
      BlockId child;
      usize log;
    };
    std::vector<Visit> stack;
    rename_block(0);
    stack.push_back({first[0], 0});
    while (!stack.empty()) {
      const BlockId b = stack.back().child;
      if (b == kNoBlock) {
        for (usize n = log_.size(); n > stack.back().log; --n)
          current_[log_[n - 1].variable] = log_[n - 1].value;
        log_.resize(stack.back().log);
        stack.pop_back();
        continue;
      }
      stack.back().child = next[b];
      const usize log = log_.size();
      rename_block(b);
      stack.push_back({first[b], log});
    }
  }

  void set(u32 v, ValueId value) {
    log_.push_back({v, current_[v]});
    current_[v] = value;
  }

  void rename_block(BlockId b) {
    for (const auto& m : meeting_[b]) set(m.variable, m.value);
    g_.filter(b, [&](InstId id) {
      const u32 v = variable(id);
      if (v == kNoVariable) return true;
      const Inst& i = g_.insts[id];
      if (i.op == Op::store)
        set(v, g_.resolve(g_.operand(i, 0)));
      else
        g_.replace(i.result, current_[v]);
      return false;
    });
    for (Edge& e : g_.edges(g_.terminator(b))) {
      if (meeting_[e.block].empty()) continue;
      const auto old = g_.arguments(e);
      arguments_.assign(old.begin(), old.end());
      for (const auto& m : meeting_[e.block]) arguments_.push_back(current_[m.variable]);
      g_.set_arguments(e, arguments_);
    }
  }

  struct Setting {
    u32 variable;
    ValueId value;
  };

  Graph& g_;
  const Variables& v_;
  const Cfg cfg_;
  const u32 count_;
  std::vector<std::vector<BlockId>> frontier_;        // by block
  std::vector<std::vector<BlockId>> writes_, reads_;  // by variable; reads before a write only
  std::vector<std::vector<Setting>> meeting_;         // by block: arguments made for variables
  std::vector<ValueId> current_;                      // by variable
  std::vector<Setting> log_;                          // what current_ was before
  std::vector<ValueId> arguments_;
};

}  // namespace

bool promote(Graph& graph, const Variables& variables) {
  return Promoter(graph, variables).run();
}

bool mem2reg(Graph& graph, const Context&) {
  return promote(graph, find_variables(graph));
}

}  // namespace bf::passes
