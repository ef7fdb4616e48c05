// Scalar promotion: a place in memory that a loop writes again and again, and that nothing else in
// the loop can touch, is a value while the loop runs. It is loaded before and stored behind.
//
//   b1(%i: i64):                             b1(%i: i64, %sum: i64):
//     %s: i64 = load %p align 8                %t: i64 = add %sum, %i
//     %t: i64 = add %s, %i                     ...
//     store %t, %p align 8                     br_if %more, b1(%j, %t), b2
//     ...                                    b2:
//     br_if %more, b1(%j), b3                  store %t, %p align 8
//                                              br b3
//
// The store behind the loop must be one that the program does anyway: other threads may see it, and
// the memory may be read-only. So every way through the loop and out of it has to pass a store,
// except for stack memory that nobody else knows. An outer loop goes before those in it.
#include <algorithm>

#include "microjit/passes/alias.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/mem2reg.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr usize kMostEffects = 64;  // on memory, of one loop
constexpr usize kMostExits = 4;     // each gets a store
constexpr u32 kMostPlaces = 6;      // of one loop: registers are few

class StorePromoter {
 public:
  StorePromoter(Graph& graph, const Cfg& cfg) : g_(graph), cfg_(cfg), alias_(graph) {}

  bool run() {
    variables_.of.assign(g_.insts.size(), kNoVariable);
    for (u32 l = 0; l < cfg_.loops().size(); ++l) examine(l);
    for (u32 v = 0; v < promoted_.size(); ++v) surround(v);
    return promote(g_, variables_);
  }

 private:
  // A load or a store, or anything else that has to do with memory.
  struct Access {
    InstId inst;
    MemoryEffect effect;
    bool plain;  // a load or a store whose address is the same in all iterations
    Place place;
    Type type;
  };
  struct Promoted {
    u32 loop;
    InstId store;  // one of them: says where and what
    u32 aux;       // the least certain alignment
    std::vector<LoopExit> exits;
  };

  void examine(u32 l) {
    if (preheader(g_, cfg_, l) == kNoBlock || !find_accesses(l)) return;
    const std::vector<LoopExit> exits = loop_exits(g_, cfg_, l);
    if (exits.empty() || exits.size() > kMostExits) return;
    u32 places = 0;
    for (const Access& a : accesses_)
      if (places < kMostPlaces && a.plain && g_.insts[a.inst].op == Op::store &&
          variables_.of[a.inst] == kNoVariable && alone(a) && may_store_behind(a, l, exits)) {
        take(a, l, exits);
        ++places;
      }
  }

  // False if there are too many, or none that writes.
  bool find_accesses(u32 l) {
    accesses_.clear();
    bool writes = false;
    for (const BlockId b : cfg_.loops()[l].blocks)
      for (const InstId id : g_.blocks[b].instructions) {
        const Inst& i = g_.insts[id];
        const ir::Effects effects = ir::op_info(i.op).effects;
        if (effects == ir::Effects::Pure || effects == ir::Effects::Traps ||
            effects == ir::Effects::Ends || variables_.of[id] != kNoVariable)
          continue;
        if (accesses_.size() == kMostEffects) return false;
        Access a{id, alias_.effect(i), false, {}, i.type};
        if (i.op == Op::load || i.op == Op::store) {
          const bool stores = i.op == Op::store;
          a.place = stores ? a.effect.write : a.effect.read;
          if (stores) a.type = g_.type(g_.operand(i, 0));
          a.plain = invariant(g_, cfg_, l, g_.operand(i, stores ? 1 : 0));
          writes = writes || (stores && a.plain);
        }
        accesses_.push_back(a);
      }
    return writes;
  }

  static bool alike(const Access& a, const Access& b) {
    return b.plain && a.type == b.type && Alias::same(a.place, b.place);
  }

  // Whether nothing else in the loop touches the place.
  bool alone(const Access& a) const {
    const bool visible = alias_.visible_outside(a.place);
    return std::all_of(accesses_.begin(), accesses_.end(), [&](const Access& other) {
      const MemoryEffect& e = other.effect;
      return alike(a, other) || !((visible && (e.reads_all || e.writes_all)) ||
                                  (e.has_read && alias_.may_overlap(e.read, a.place)) ||
                                  (e.has_write && alias_.may_overlap(e.write, a.place)));
    });
  }

  bool may_store_behind(const Access& a, u32 l, std::span<const LoopExit> exits) const {
    if (a.place.is_stack && !alias_.visible_outside(a.place) && alias_.always_readable(a.place))
      return true;
    return std::any_of(accesses_.begin(), accesses_.end(), [&](const Access& other) {
      if (!alike(a, other) || g_.insts[other.inst].op != Op::store) return false;
      const BlockId b = g_.insts[other.inst].block;
      for (const LoopExit& e : exits)
        if (!cfg_.dominates(b, e.block)) return false;
      for (const auto& p : cfg_.predecessors(cfg_.loops()[l].header))
        if (cfg_.in_loop(p.block, l) && !cfg_.dominates(b, p.block)) return false;
      return true;
    });
  }

  void take(const Access& a, u32 l, const std::vector<LoopExit>& exits) {
    const u32 variable = static_cast<u32>(promoted_.size());
    u32 aux = g_.insts[a.inst].aux;
    for (const Access& other : accesses_)
      if (alike(a, other)) {
        variables_.of[other.inst] = variable;
        aux = std::min(aux, g_.insts[other.inst].aux);
      }
    variables_.types.push_back(a.type);
    promoted_.push_back({l, a.inst, aux, exits});
  }

  // The load before the loop, the stores behind it, and how they meet the variable: accesses that
  // promote() takes away again.
  void surround(u32 variable) {
    const Promoted& p = promoted_[variable];
    const Inst like = g_.insts[p.store];
    const ValueId address = g_.operand(like, 1);
    const Type type = variables_.types[variable];
    const auto insert = [&](BlockId b, Op op, std::initializer_list<ValueId> operands, bool ours) {
      const InstId id =
          g_.make(op, op == Op::load ? type : Type{}, operands, p.aux, like.imm, like.location);
      g_.insert(b, g_.blocks[b].instructions.size() - 1, id);
      variables_.of.resize(g_.insts.size(), kNoVariable);
      if (ours) variables_.of[id] = variable;
      return g_.insts[id].result;
    };
    const BlockId before = preheader(g_, cfg_, p.loop);
    const ValueId start = insert(before, Op::load, {address}, false);
    insert(before, Op::store, {start, address}, true);
    for (const LoopExit& e : p.exits) {
      const BlockId behind = exit_block(e);
      const ValueId end = insert(behind, Op::load, {address}, true);
      insert(behind, Op::store, {end, address}, false);
    }
  }

  // A block on an edge; the same one when it is asked for again.
  BlockId exit_block(const LoopExit& e) {
    for (const auto& [edge, block] : exit_blocks_)
      if (edge.block == e.block && edge.edge == e.edge) return block;
    const BlockId block = g_.split_edge(e.block, e.edge);
    exit_blocks_.push_back({e, block});
    return block;
  }

  Graph& g_;
  const Cfg& cfg_;  // as it was before anything was inserted
  const Alias alias_;
  Variables variables_;
  std::vector<Promoted> promoted_;  // by variable
  std::vector<Access> accesses_;    // of the loop being looked at
  std::vector<std::pair<LoopExit, BlockId>> exit_blocks_;
};

// Whether there is anything to do at all: most loops have nothing of the kind.
bool stores_in_place(const Graph& g, const Cfg& cfg) {
  for (const BlockId b : cfg.order()) {
    const u32 l = cfg.loop_of(b);
    if (l == Cfg::kNoLoop) continue;
    for (const InstId id : g.blocks[b].instructions)
      if (const Inst& i = g.insts[id]; i.op == Op::store && invariant(g, cfg, l, g.operand(i, 1)))
        return true;
  }
  return false;
}

}  // namespace

bool promote_stores(Graph& graph, const Context&) {
  const Cfg cfg(graph);
  return stores_in_place(graph, cfg) && StorePromoter(graph, cfg).run();
}

}  // namespace bf::passes
