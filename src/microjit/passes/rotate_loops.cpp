// Loop rotation: a loop that tests at its top,
//
//   before -> header: leave? -> body -> header        becomes
//   before -> leave?  -> body -> header: leave? -> body
//
// so that it takes one jump per iteration, and what comes before the first iteration is only
// reached if there is one: that is where LICM may put what the body always does.
//
// The header is copied in front of the loop. What it defines has two definitions then, which are
// written as accesses of a variable and brought back into SSA by mem2reg's machinery.
#include "microjit/passes/cfg.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/mem2reg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr u32 kMostCost = 20;  // of the header

class Rotator {
 public:
  explicit Rotator(Graph& graph) : g_(graph) {}

  bool run() {
    make_preheaders(g_);
    const Cfg cfg(g_);
    std::vector<BlockId> headers, befores;
    for (u32 l = 0; l < cfg.loops().size(); ++l)
      if (rotatable(cfg, l)) {
        headers.push_back(cfg.loops()[l].header);
        befores.push_back(preheader(g_, cfg, l));
      }
    if (headers.empty()) return false;
    variable_of_.assign(g_.values.size(), kNoVariable);
    defined_in_.assign(g_.values.size(), kNoBlock);
    for (usize n = 0; n < headers.size(); ++n) define(headers[n]);
    old_insts_ = g_.insts.size();
    for (usize n = 0; n < headers.size(); ++n) copy(headers[n], befores[n]);
    for (BlockId b = 0; b < g_.blocks.size(); ++b) rewrite(b);
    for (const BlockId b : headers) store_results(b);
    variables_.of.resize(g_.insts.size(), kNoVariable);
    promote(g_, variables_);
    return true;
  }

 private:
  bool rotatable(const Cfg& cfg, u32 l) const {
    const BlockId header = cfg.loops()[l].header;
    const Inst& t = g_.terminator(header);
    if (preheader(g_, cfg, l) == kNoBlock || t.op != Op::br_if) return false;
    const bool stays[] = {cfg.in_loop(g_.edges(t)[0].block, l),
                          cfg.in_loop(g_.edges(t)[1].block, l)};
    if (stays[0] == stays[1]) return false;
    // A loop of one block tests at its end already; so does one whose latch can leave.
    const BlockId last = latch(g_, cfg, l);
    if (last == header) return false;
    if (last != kNoBlock && g_.terminator(last).op != Op::br)
      for (const Edge& e : g_.edges(g_.terminator(last)))
        if (!cfg.in_loop(e.block, l)) return false;
    u32 cost = 0;
    for (const InstId id : g_.blocks[header].instructions) {
      if (g_.insts[id].op == Op::stack_alloc) return false;
      cost += ir::op_info(g_.insts[id].op).cost;
    }
    return cost <= kMostCost;
  }

  void define(ValueId v, BlockId b) {
    if (v == kNoValue) return;
    variable_of_[v] = static_cast<u32>(variables_.types.size());
    variables_.types.push_back(g_.type(v));
    defined_in_[v] = b;
  }
  void define(BlockId b) {
    for (const ValueId v : g_.blocks[b].arguments) define(v, b);
    for (const InstId id : g_.blocks[b].instructions) {
      define(g_.insts[id].result, b);
      define(g_.insts[id].second_result, b);
    }
  }

  // The header's instructions at the end of the preheader, in place of its jump.
  void copy(BlockId header, BlockId before) {
    map_.clear();
    const Edge in = g_.edges(g_.terminator(before))[0];
    for (u32 n = 0; n < in.argument_count; ++n)
      map_.push_back({g_.blocks[header].arguments[n], g_.arguments(in)[n]});
    g_.insts[g_.blocks[before].instructions.back()].block = kNoBlock;
    g_.blocks[before].instructions.pop_back();
    // What it is passed is the variables' first value.
    for (usize n = 0, count = map_.size(); n < count; ++n) store(before, map_[n].from, map_[n].to);
    const auto list = g_.blocks[header].instructions;
    for (const InstId id : list) {
      const Inst i = g_.insts[id];
      std::vector<ValueId> ids;
      for (const ValueId v : g_.operands(i)) ids.push_back(mapped(v));
      if (i.edge_count != 0) {
        copy_branch(before, i, ids);
        continue;
      }
      const InstId c = g_.make(i.op, i.type, ids, i.aux, i.imm, i.location);
      g_.insts[c].origin = i.origin;
      g_.append(before, c);
      if (i.result != kNoValue) {
        map_.push_back({i.result, g_.insts[c].result});
        store(before, i.result, g_.insts[c].result);
      }
      if (i.second_result != kNoValue) {
        const ValueId second = g_.add_second_result(c, g_.type(i.second_result));
        map_.push_back({i.second_result, second});
        store(before, i.second_result, second);
      }
    }
  }

  void copy_branch(BlockId before, const Inst& i, const std::vector<ValueId>& ids) {
    std::vector<ValueId> passed[2];
    Graph::Jump jumps[2];
    for (u32 n = 0; n < 2; ++n) {
      const Edge e = g_.edges(i)[n];
      for (const ValueId v : g_.arguments(e)) passed[n].push_back(mapped(v));
      jumps[n] = {e.block, passed[n]};
    }
    g_.append(before, g_.make_jump(i.op, ids, jumps, i.location));
  }

  ValueId mapped(ValueId v) const {
    for (const auto& m : map_)
      if (m.from == v) return m.to;
    return v;
  }

  // Only the variable counts: there is no memory behind these, and promote() takes them away.
  InstId access(Op op, Type type, std::initializer_list<ValueId> ids, u32 variable) {
    const InstId id = g_.make(op, type, ids);
    variables_.of.resize(g_.insts.size(), kNoVariable);
    variables_.of[id] = variable;
    return id;
  }
  void store(BlockId b, ValueId of, ValueId value) {
    g_.append(b, access(Op::store, {}, {value}, variable_of_[of]));
  }

  // Uses outside the block of definition read the variable.
  void rewrite(BlockId b) {
    std::vector<InstId> list;
    for (const InstId id : g_.blocks[b].instructions) {
      const auto read = [&](ValueId v) {
        if (v >= variable_of_.size() || variable_of_[v] == kNoVariable || defined_in_[v] == b)
          return v;
        const InstId load = access(Op::load, g_.type(v), {}, variable_of_[v]);
        g_.insts[load].block = b;
        list.push_back(load);
        return g_.insts[load].result;
      };
      const u32 first = g_.insts[id].first_operand, count = g_.insts[id].operand_count;
      for (u32 n = 0; n < count; ++n) {
        const ValueId v = read(g_.pool[first + n]);
        g_.pool[first + n] = v;
      }
      for (u32 k = 0; k < g_.insts[id].edge_count; ++k) {
        const Edge e = g_.edges(g_.insts[id])[k];
        for (u32 n = 0; n < e.argument_count; ++n) {
          const ValueId v = read(g_.pool[e.first_argument + n]);
          g_.pool[e.first_argument + n] = v;
        }
      }
      list.push_back(id);
    }
    g_.blocks[b].instructions = std::move(list);
  }

  // In the header itself, behind each definition.
  void store_results(BlockId b) {
    std::vector<InstId> list;
    const auto put = [&](ValueId v) {
      if (v == kNoValue || variable_of_[v] == kNoVariable) return;
      const InstId id = access(Op::store, {}, {v}, variable_of_[v]);
      g_.insts[id].block = b;
      list.push_back(id);
    };
    for (const ValueId v : g_.blocks[b].arguments) put(v);
    const auto old = g_.blocks[b].instructions;
    for (const InstId id : old) {
      const Inst i = g_.insts[id];
      list.push_back(id);
      if (id >= old_insts_) continue;  // loads of other headers' variables
      put(i.result);
      put(i.second_result);
    }
    g_.blocks[b].instructions = std::move(list);
  }

  struct Copy {
    ValueId from, to;
  };

  Graph& g_;
  Variables variables_;
  std::vector<u32> variable_of_;     // by value
  std::vector<BlockId> defined_in_;  // by value, of those
  std::vector<Copy> map_;
  usize old_insts_ = 0;
};

}  // namespace

bool rotate_loops(Graph& graph, const Context&) {
  return Rotator(graph).run();
}

}  // namespace bf::passes
