// Loop-invariant code motion: what is the same in all iterations is computed in the preheader.
//
//   - pure operations, wherever they stand in the loop
//   - what may trap, and loads, only from blocks that every iteration passes before anything can
//     leave the loop; loads of memory that is there as long as we run, from anywhere
//   - loads only if nothing in the loop writes what they read
//
// Inner loops first, so that things climb as far as they can.
#include "microjit/passes/alias.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr usize kMostWrites = 64;  // of a loop, compared with each load

class Mover {
 public:
  explicit Mover(Graph& graph) : g_(graph), cfg_(graph), alias_(graph) {
    block_of_.resize(g_.values.size(), kNoBlock);
    for (ValueId v = 0; v < g_.values.size(); ++v) block_of_[v] = g_.block_of(v);
  }

  bool run() {
    for (usize l = cfg_.loops().size(); l-- > 0;) loop(static_cast<u32>(l));
    return changed_;
  }

 private:
  bool invariant(u32 l, ValueId v) const {
    const BlockId b = block_of_[v];
    return b == kNoBlock || !cfg_.reachable(b) || !cfg_.in_loop(b, l);
  }

  void find_writes(const Cfg::Loop& loop) {
    writes_.clear();
    writes_all_ = false;
    for (const BlockId b : loop.blocks)
      for (const InstId id : g_.blocks[b].instructions) {
        const ir::Effects effects = ir::op_info(g_.insts[id].op).effects;
        if (effects != ir::Effects::Writes && effects != ir::Effects::Calls) continue;
        const MemoryEffect e = alias_.effect(g_.insts[id]);
        writes_all_ = writes_all_ || e.writes_all;
        if (e.has_write) writes_.push_back(e.write);
      }
  }

  bool unwritten(const Place& p) const {
    if (alias_.constant(p)) return true;
    if (writes_.size() > kMostWrites || (writes_all_ && alias_.visible_outside(p))) return false;
    for (const Place& w : writes_)
      if (alias_.may_overlap(p, w)) return false;
    return true;
  }

  // From here on it is not certain that what comes next in the iteration is reached.
  static bool may_not_return(const Inst& i) {
    return ir::op_info(i.op).effects == ir::Effects::Calls;
  }

  void loop(u32 l) {
    const Cfg::Loop& loop = cfg_.loops()[l];
    const BlockId before = preheader(g_, cfg_, l);
    if (before == kNoBlock) return;
    find_writes(loop);
    // As long as each block leads to the next one only, all of it is reached once the loop is.
    BlockId certain = loop.header;
    bool is_certain = true;
    for (const BlockId b : loop.blocks) {
      const bool reached = is_certain && b == certain;
      const bool left = hoist_from(b, l, before, reached);
      if (!reached) continue;
      const Inst& t = g_.terminator(b);
      is_certain = !left && t.op == Op::br;
      if (is_certain) certain = g_.edges(t)[0].block;
    }
  }

  // True if something here might not return.
  bool hoist_from(BlockId b, u32 l, BlockId before, bool reached) {
    bool left = false;
    g_.filter(b, [&](InstId id) {
      const Inst& i = g_.insts[id];
      if (!may_hoist(i, l, reached && !left)) {
        left = left || may_not_return(i);
        return true;
      }
      moved_.push_back(id);
      block_of_[i.result] = before;
      return false;
    });
    if (moved_.empty()) return left;
    auto& list = g_.blocks[before].instructions;
    list.insert(list.end() - 1, moved_.begin(), moved_.end());
    for (const InstId id : moved_) g_.insts[id].block = before;
    moved_.clear();
    changed_ = true;
    return left;
  }

  bool may_hoist(const Inst& i, u32 l, bool certain) const {
    const ir::Effects effects = ir::op_info(i.op).effects;
    if (i.result == kNoValue || i.op == Op::stack_alloc) return false;
    if (effects != ir::Effects::Pure && effects != ir::Effects::Reads &&
        effects != ir::Effects::Traps)
      return false;
    for (const ValueId v : g_.operands(i))
      if (!invariant(l, v)) return false;
    if (effects == ir::Effects::Pure) return true;
    if (effects == ir::Effects::Traps) return certain || divides_safely(i);
    const Place p = alias_.place(g_.operand(i, 0), i.imm, i.type.bytes());
    return (certain || alias_.always_readable(p)) && unwritten(p);
  }

  // By a constant that is neither 0 nor -1.
  bool divides_safely(const Inst& i) const {
    const ValueId by = g_.operand(i, 1);
    if (!g_.is_scalar_constant(by)) return false;
    const u32 bits = g_.type(by).element_bits();
    const u64 all = bits == 64 ? ~u64{0} : (u64{1} << bits) - 1;
    return g_.values[by].bits != 0 && g_.values[by].bits != all;
  }

  Graph& g_;
  const Cfg cfg_;
  const Alias alias_;
  std::vector<BlockId> block_of_;  // by value, as things move
  std::vector<Place> writes_;
  std::vector<InstId> moved_;
  bool writes_all_ = false;
  bool changed_ = false;
};

}  // namespace

bool licm(Graph& graph, const Context&) {
  const bool made = make_preheaders(graph);
  return Mover(graph).run() || made;
}

}  // namespace bf::passes
