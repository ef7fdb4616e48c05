// Global value numbering: one walk down the dominator tree. What has been computed above is not
// computed again; what a branch has decided is known below it; what memory holds is known from
// the stores and loads above, as long as nothing on any way from there can have changed it.
#include "microjit/ir/op_facts.h"
#include "microjit/passes/alias.h"
#include "microjit/passes/cfg.h"
#include "microjit/passes/evaluate.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr usize kMostKnownPlaces = 48;
constexpr u32 kMostBlocksBetween = 64;
constexpr usize kMostWrites = 8;  // of one block, looked at one by one

class Numberer {
 public:
  explicit Numberer(Graph& graph) : g_(graph), cfg_(graph), alias_(graph) {}

  bool run() {
    usize buckets = 64;
    while (buckets < g_.insts.size()) buckets *= 2;
    heads_.assign(buckets, kNone);
    known_.assign(g_.values.size(), kNoValue);
    summarise();
    walk();
    g_.settle();
    return changed_;
  }

 private:
  static constexpr u32 kNone = ~0u;

  // ---- What blocks do to memory

  struct Summary {
    u32 first_write = 0, write_count = 0;  // in writes_
    bool everything = false;  // that is seen outside
    bool too_many = false;    // writes: take it that it writes all
  };

  void summarise() {
    summaries_.resize(g_.blocks.size());
    seen_.assign(g_.blocks.size(), kNone);
    for (const BlockId b : cfg_.order()) {
      summaries_[b].first_write = static_cast<u32>(writes_.size());
      for (const InstId id : g_.blocks[b].instructions) summarise(summaries_[b], g_.insts[id]);
    }
  }

  void summarise(Summary& s, const Inst& i) {
    const ir::Effects effects = ir::op_info(i.op).effects;
    if (effects != ir::Effects::Writes && effects != ir::Effects::Calls) return;
    const MemoryEffect e = alias_.effect(i);
    s.everything = s.everything || e.writes_all;
    if (!e.has_write) return;
    s.too_many = s.too_many || s.write_count == kMostWrites;
    if (s.too_many) return;
    writes_.push_back(e.write);
    ++s.write_count;
  }

  // What is known to be at a place.
  struct Content {
    Place place;
    Type type;
    ValueId value;
  };

  bool survives(const Content& c, const Summary& s) const {
    if (alias_.constant(c.place)) return true;
    if (s.too_many || (s.everything && alias_.visible_outside(c.place))) return false;
    for (u32 n = 0; n < s.write_count; ++n)
      if (alias_.may_overlap(c.place, writes_[s.first_write + n])) return false;
    return true;
  }

  // From the end of the immediate dominator to the start of b, over all ways.
  void forget_between(BlockId b, std::vector<Content>& contents) {
    if (contents.empty()) return;
    const BlockId top = cfg_.immediate_dominator(b);
    const auto from = cfg_.predecessors(b);
    if (from.size() == 1 && from[0].block == top) return;
    work_.clear();
    u32 count = 0;
    const auto push = [&](BlockId at) {
      for (const auto& p : cfg_.predecessors(at))
        if (p.block != top && seen_[p.block] != b) {
          seen_[p.block] = b;
          work_.push_back(p.block);
        }
    };
    push(b);
    while (!work_.empty()) {
      const BlockId at = work_.back();
      work_.pop_back();
      if (++count > kMostBlocksBetween) return contents.clear();
      std::erase_if(contents, [&](const Content& c) { return !survives(c, summaries_[at]); });
      if (contents.empty()) return;
      push(at);
    }
  }

  // ---- The walk

  struct Frame {
    BlockId block;
    BlockId next_child;
    usize entries;  // of the table, when it was entered
    usize facts;
    std::vector<Content> contents;
  };

  void walk() {
    std::vector<BlockId> first(g_.blocks.size(), kNoBlock), next(first);
    for (usize n = cfg_.order().size(); n-- > 1;) {
      const BlockId b = cfg_.order()[n], parent = cfg_.immediate_dominator(b);
      next[b] = first[parent];
      first[parent] = b;
    }
    std::vector<Frame> stack;
    stack.push_back({0, first[0], 0, 0, {}});
    visit(0, stack.back().contents);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.next_child == kNoBlock) {
        leave(top);
        stack.pop_back();
        continue;
      }
      const BlockId b = top.next_child;
      top.next_child = next[b];
      Frame frame{b, first[b], entries_.size(), facts_.size(), top.contents};
      forget_between(b, frame.contents);
      learn_from_branch(b);
      visit(b, frame.contents);
      stack.push_back(std::move(frame));
    }
  }

  void leave(const Frame& f) {
    while (entries_.size() > f.entries) {
      heads_[entries_.back().bucket] = entries_.back().next;
      entries_.pop_back();
    }
    while (facts_.size() > f.facts) {
      known_[facts_.back().value] = facts_.back().before;
      facts_.pop_back();
    }
  }

  // ---- Facts: values that are constants below a branch

  void learn(ValueId v, ValueId constant) {
    if (g_.is_constant(v)) return;
    facts_.push_back({v, known_[v]});
    known_[v] = constant;
    const Inst* i = g_.definition(v);
    if (!i || g_.type(v).kind != Kind::I1) return;
    const bool yes = g_.values[constant].bits != 0;
    const auto operand = [&](u32 n) { return g_.resolve(g_.operand(*i, n)); };
    if (i->op == (yes ? Op::eq : Op::ne) && g_.is_scalar_constant(operand(1)))
      learn(operand(0), operand(1));
    if (i->op == (yes ? Op::and_ : Op::or_))
      for (u32 n = 0; n < 2; ++n) learn(operand(n), constant);
  }

  void learn_from_branch(BlockId b) {
    const auto from = cfg_.predecessors(b);
    if (from.size() != 1) return;
    const Inst& t = g_.terminator(from[0].block);
    if (t.op == Op::br_if) {
      learn(g_.resolve(g_.operand(t, 0)), g_.constant({Kind::I1}, from[0].edge == 0));
    } else if (t.op == Op::switch_ && from[0].edge > 0) {
      const ValueId v = g_.resolve(g_.operand(t, 0));
      learn(v, g_.constant(g_.type(v), g_.cases[t.aux + from[0].edge - 1]));
    }
  }

  ValueId current(ValueId v) {
    v = g_.resolve(v);
    return v < known_.size() && known_[v] != kNoValue ? known_[v] : v;
  }

  // ---- Instructions

  void visit(BlockId b, std::vector<Content>& contents) {
    g_.filter(b, [&](InstId id) {
      for (ValueId& v : g_.operands(g_.insts[id])) update(v);
      for (const Edge& e : g_.edges(g_.insts[id]))
        for (ValueId& v : g_.arguments(e)) update(v);
      return keep(id, contents);
    });
  }

  void update(ValueId& v) {
    const ValueId now = current(v);
    changed_ = changed_ || now != v;
    v = now;
  }

  bool keep(InstId id, std::vector<Content>& contents) {
    const Inst i = g_.insts[id];
    const ir::Effects effects = ir::op_info(i.op).effects;
    if (effects == ir::Effects::Pure || effects == ir::Effects::Traps)
      return i.op == Op::stack_alloc || number(id, i);
    if (i.op == Op::load) return load(i, contents);
    if (i.op == Op::store) return store(i, contents);
    if (effects == ir::Effects::Writes || effects == ir::Effects::Calls)
      clobber(alias_.effect(i), contents);
    return true;
  }

  bool replaced(const Inst& i, ValueId by) {
    g_.replace(i.result, by);
    changed_ = true;
    return false;
  }

  bool number(InstId id, const Inst& i) {
    bool constant = i.operand_count > 0;
    for (const ValueId v : g_.operands(i)) constant = constant && g_.is_constant(v);
    if (constant)
      if (const ValueId v = evaluate(g_, i); v != kNoValue) return replaced(i, v);
    const u64 hash = hash_of(i);
    if (const ValueId v = find(i, hash); v != kNoValue) return replaced(i, v);
    if (ir::op_info(i.op).signature == ir::Signature::IntCompare && facts_.size() > 0) {
      // Its opposite may be known.
      Inst opposite = i;
      opposite.op = ir::inverted(i.op);
      const ValueId v = find(opposite, hash_of(opposite));
      if (v != kNoValue && v < known_.size() && known_[v] != kNoValue && i.type.kind == Kind::I1)
        return replaced(i, g_.constant(i.type, g_.values[known_[v]].bits == 0));
    }
    const u32 bucket = static_cast<u32>(hash & (heads_.size() - 1));
    entries_.push_back({hash, id, heads_[bucket], bucket});
    heads_[bucket] = static_cast<u32>(entries_.size() - 1);
    return true;
  }

  // Operands in the order that makes equal ones equal.
  struct Operands {
    Op op;
    ValueId a = kNoValue, b = kNoValue;
  };
  Operands ordered(const Inst& i) const {
    Operands o{i.op};
    if (i.operand_count > 0) o.a = g_.operand(i, 0);
    if (i.operand_count > 1) o.b = g_.operand(i, 1);
    if (i.operand_count != 2 || o.a <= o.b) return o;
    const bool compare = ir::op_info(i.op).signature == ir::Signature::IntCompare;
    if (!compare && !ir::commutes(i.op)) return o;
    std::swap(o.a, o.b);
    if (compare) o.op = ir::swapped(i.op);
    return o;
  }

  u64 hash_of(const Inst& i) const {
    constexpr u64 kFactor = 0x9e3779b97f4a7c15;
    const Operands o = ordered(i);
    u64 h = static_cast<u64>(o.op) << 16 | static_cast<u64>(i.type.kind) << 8 | i.type.lanes;
    const auto mix = [&](u64 x) { h = (h ^ x) * kFactor, h ^= h >> 29; };
    mix(u64{o.a} << 32 | o.b);
    mix((i.op == Op::shuffle ? 0 : i.aux) ^ static_cast<u64>(i.imm) << 20);
    for (u32 n = 2; n < i.operand_count; ++n) mix(g_.operand(i, n));
    return h;
  }

  bool equal(const Inst& a, const Inst& b) const {
    if (a.type != b.type || a.operand_count != b.operand_count || a.imm != b.imm) return false;
    const Operands x = ordered(a), y = ordered(b);
    if (x.op != y.op || !same_value(x.a, y.a) || !same_value(x.b, y.b)) return false;
    for (u32 n = 2; n < a.operand_count; ++n)
      if (!same_value(g_.operand(a, n), g_.operand(b, n))) return false;
    if (a.op != Op::shuffle) return a.aux == b.aux;
    for (u32 n = 0; n < a.type.lanes; ++n)
      if (g_.mask(a)[n] != g_.mask(b)[n]) return false;
    return true;
  }
  bool same_value(ValueId a, ValueId b) const { return a == b; }

  ValueId find(const Inst& i, u64 hash) const {
    for (u32 n = heads_[hash & (heads_.size() - 1)]; n != kNone; n = entries_[n].next)
      if (entries_[n].hash == hash && equal(i, g_.insts[entries_[n].inst]))
        return g_.insts[entries_[n].inst].result;
    return kNoValue;
  }

  // ---- Memory

  bool load(const Inst& i, std::vector<Content>& contents) {
    const Place p = alias_.place(g_.operand(i, 0), i.imm, i.type.bytes());
    for (usize n = contents.size(); n-- > 0;)
      if (contents[n].type == i.type && Alias::same(contents[n].place, p))
        return replaced(i, current(contents[n].value));
    remember({p, i.type, i.result}, contents);
    return true;
  }

  bool store(const Inst& i, std::vector<Content>& contents) {
    const MemoryEffect e = alias_.effect(i);
    const ValueId value = g_.operand(i, 0);
    for (const Content& c : contents)
      if (g_.resolve(c.value) == value && Alias::same(c.place, e.write)) {
        changed_ = true;
        return false;  // it is there already
      }
    clobber(e, contents);
    remember({e.write, g_.type(value), value}, contents);
    return true;
  }

  void remember(const Content& c, std::vector<Content>& contents) {
    if (contents.size() == kMostKnownPlaces) contents.erase(contents.begin());
    contents.push_back(c);
  }

  void clobber(const MemoryEffect& e, std::vector<Content>& contents) {
    std::erase_if(contents, [&](const Content& c) {
      if (alias_.constant(c.place)) return false;
      return (e.writes_all && alias_.visible_outside(c.place)) ||
             (e.has_write && alias_.may_overlap(c.place, e.write));
    });
  }

  struct Entry {
    u64 hash;
    InstId inst;
    u32 next;
    u32 bucket;
  };
  struct Fact {
    ValueId value, before;
  };

  Graph& g_;
  const Cfg cfg_;
  const Alias alias_;
  std::vector<Summary> summaries_;  // by block
  std::vector<Place> writes_;
  std::vector<u32> seen_;           // by block: for which block the walk back came here
  std::vector<BlockId> work_;
  std::vector<u32> heads_;
  std::vector<Entry> entries_;
  std::vector<ValueId> known_;  // by value: what it is here
  std::vector<Fact> facts_;
  bool changed_ = false;
};

}  // namespace

bool gvn(Graph& graph, const Context&) {
  return Numberer(graph).run();
}

}  // namespace bf::passes
