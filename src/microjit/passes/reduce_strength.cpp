// Strength reduction: a multiple of what a loop counts is counted itself.
//
//   b1(%i: i64):                            b1(%i: i64, %m: i64):      %m starts as start * %k
//     %m: i64 = mul %i, %k                    %y: ptr = index %p, %m * 8
//     %x: i64 = add %m, %c                    ...
//     %y: ptr = index %p, %x * 8              %n: i64 = add %m, %s     %s is step * %k
//
// Done to products with an invariant, with the sum around them if the other summand is invariant
// too, and to addresses with a scale that no addressing mode has (of arrays of structures): a lea
// or an access with a scaled index costs nothing, so nothing is won there. All of it is modulo the
// width, so that it is the same to the bit however far the loop counts.
//
// A counter takes a register through the whole loop. Only innermost loops get some, and as long as
// what the loop keeps in registers already leaves room (F. Allen, J. Cocke, K. Kennedy, "Reduction
// of Operator Strength", 1981, have no such limit).
#include <algorithm>

#include "microjit/passes/evaluate.h"
#include "microjit/passes/loops.h"
#include "microjit/passes/passes.h"

namespace bf::passes {

namespace {

constexpr u32 kMostKept = 8;  // general registers that code generators keep values in over loops

class Reducer {
 public:
  Reducer(Graph& graph, const Cfg& cfg, u32 loop, const std::vector<u32>& uses)
      : g_(graph), cfg_(cfg), loop_(loop), uses_(uses) {}

  bool run() {
    before_ = preheader(g_, cfg_, loop_), latch_ = latch(g_, cfg_, loop_);
    if (before_ == kNoBlock || latch_ == kNoBlock) return false;
    for (const BlockId b : cfg_.loops()[loop_].blocks)
      for (const InstId id : g_.blocks[b].instructions) consider(id);
    if (products_.empty()) return false;
    inductions_ = find_inductions(g_, cfg_, loop_);
    kept_ = count_kept();
    for (const Product& p : products_) {
      if (kept_ >= kMostKept) break;
      reduce(p);
    }
    return !counters_.empty();
  }

 private:
  // counted * by + plus, or the address that an `index` makes of what is counted.
  struct Product {
    InstId inst;              // that has the result
    ValueId counted;          // changes in the loop
    ValueId by = kNoValue;    // an invariant; kNoValue: an address
    ValueId plus = kNoValue;  // an invariant, or nothing
  };
  struct Counter {
    u32 induction;
    Product product;
    ValueId value, next;
  };

  bool same_always(ValueId v) const { return invariant(g_, cfg_, loop_, v); }

  // What a lea or a shift does.
  static bool cheap(u64 factor) {
    return factor == 3 || factor == 5 || factor == 9 || (factor & (factor - 1)) == 0;
  }

  void consider(InstId id) {
    const Inst& i = g_.insts[id];
    if (i.op == Op::index && i.aux != 1 && i.aux != 2 && i.aux != 4 && i.aux != 8) {
      if (same_always(g_.operand(i, 0)) && !same_always(g_.operand(i, 1)))
        products_.push_back({id, g_.operand(i, 1)});
      return;
    }
    if (i.op != Op::mul || i.type.is_vector() || i.type.element_bits() < 32) return;
    for (u32 n = 0; n < 2; ++n) {
      const ValueId x = g_.operand(i, n), by = g_.operand(i, 1 - n);
      if (same_always(x) || !same_always(by)) continue;
      if (g_.is_constant(by) && cheap(g_.values[by].bits)) continue;
      products_.push_back({id, x, by});
    }
  }

  // Values that are not floats or vectors, live around the back edge.
  u32 count_kept() const {
    u32 kept = 0;
    std::vector<ValueId> seen;
    const auto is_general = [&](ValueId v) {
      return !g_.type(v).is_vector() && !g_.type(v).is_float() && !g_.is_constant(v);
    };
    for (const ValueId v : g_.blocks[cfg_.loops()[loop_].header].arguments) kept += is_general(v);
    const auto use = [&](ValueId v) {
      if (!is_general(v) || !same_always(v)) return;
      if (const Inst* i = g_.definition(v); i && i->op == Op::stack_alloc) return;
      if (std::find(seen.begin(), seen.end(), v) == seen.end()) seen.push_back(v);
    };
    for (const BlockId b : cfg_.loops()[loop_].blocks)
      for (const InstId id : g_.blocks[b].instructions) {
        for (const ValueId v : g_.operands(g_.insts[id])) use(v);
        // A call leaves fewer.
        if (ir::op_info(g_.insts[id].op).effects == ir::Effects::Calls) kept += 1;
      }
    return kept + static_cast<u32>(seen.size());
  }

  // ---- Before the loop

  ValueId emit(Op op, Type type, std::initializer_list<ValueId> operands, u32 aux = 0,
               i64 imm = 0) {
    const InstId id = g_.make(op, type, operands, aux, imm, location_);
    bool constant = true;
    for (const ValueId v : operands) constant = constant && g_.is_constant(v);
    if (constant)
      if (const ValueId v = evaluate(g_, g_.insts[id]); v != kNoValue) return v;
    g_.insert(before_, g_.blocks[before_].instructions.size() - 1, id);
    return g_.insts[id].result;
  }
  ValueId times(ValueId a, ValueId by) {
    const auto is = [&](ValueId v, u64 bits) {
      return g_.is_constant(v) && g_.values[v].bits == bits;
    };
    if (is(a, 0) || is(by, 1)) return a;
    return is(a, 1) ? by : emit(Op::mul, g_.type(a), {a, by});
  }
  ValueId plus(ValueId a, ValueId b) {
    if (g_.is_constant(a) && g_.values[a].bits == 0) return b;
    return emit(Op::add, g_.type(a), {a, b});
  }

  ValueId address(ValueId base, ValueId n, const Inst& index) {
    if (!g_.is_constant(n)) return emit(Op::index, index.type, {base, n}, index.aux, index.imm);
    const u64 offset = g_.values[n].bits * index.aux + static_cast<u64>(index.imm);
    if (offset == 0) return base;
    return emit(Op::ptradd, index.type, {base, g_.constant({Kind::I64}, offset)});
  }

  // ---- One product

  const Induction* induction_of(ValueId v, u32& n) const {
    for (n = 0; n < inductions_.size(); ++n)
      if (inductions_[n].value == v || inductions_[n].next == v) return &inductions_[n];
    return nullptr;
  }

  // The sum of a product and an invariant, if nobody needs the product for anything else.
  void take_in_sum(Product& p) const {
    const ValueId product = g_.insts[p.inst].result;
    if (uses_[product] != 1) return;
    const auto& list = g_.blocks[g_.insts[p.inst].block].instructions;
    for (const InstId id : list) {
      const Inst& i = g_.insts[id];
      if (i.op != Op::add || i.operand_count != 2) continue;
      for (u32 n = 0; n < 2; ++n) {
        const ValueId other = g_.operand(i, 1 - n);
        if (g_.operand(i, n) != product || !same_always(other) || g_.is_constant(other)) continue;
        p.inst = id, p.plus = other;
        return;
      }
    }
  }

  void reduce(Product p) {
    u32 n = 0;
    const Induction* from = induction_of(p.counted, n);
    if (!from || g_.type(from->value).kind == Kind::Ptr) return;
    if (p.by != kNoValue) take_in_sum(p);
    location_ = g_.insts[p.inst].location;
    Counter* counter = find(n, p);
    if (!counter) counter = make(n, p);
    const ValueId now = p.counted == from->value ? counter->value : counter->next;
    const Inst old = g_.insts[p.inst], first = g_.insts[counter->product.inst];
    // It stays an instruction: what used to be a product is a sum, or nothing.
    if (p.by == kNoValue && old.imm != first.imm) {
      const i64 apart = static_cast<i64>(static_cast<u64>(old.imm) - static_cast<u64>(first.imm));
      const ValueId by = g_.constant({Kind::I64}, static_cast<u64>(apart));
      const ValueId operands[] = {now, by};
      g_.rewrite(p.inst, Op::ptradd, operands);
    } else {
      g_.replace(old.result, now);
    }
  }

  Counter* find(u32 induction, const Product& p) {
    for (Counter& c : counters_) {
      if (c.induction != induction || c.product.by != p.by || c.product.plus != p.plus) continue;
      if (p.by != kNoValue) return &c;
      if (bases_[&c - counters_.data()].base == g_.operand(g_.insts[p.inst], 0) &&
          bases_[&c - counters_.data()].scale == g_.insts[p.inst].aux)
        return &c;
    }
    return nullptr;
  }

  // The counter is advanced right before the induction: whoever uses the one may use the other.
  Counter* make(u32 n, const Product& p) {
    const Induction from = inductions_[n];
    const Inst i = g_.insts[p.inst];
    const Type type = g_.type(from.value);
    const ValueId one_step =
        from.step != kNoValue ? from.step : g_.constant(type, static_cast<u64>(from.constant));
    ValueId start, step;
    Op advance = Op::add;
    if (p.by != kNoValue) {
      start = times(from.start, p.by), step = times(one_step, p.by);
      if (p.plus != kNoValue) start = plus(start, p.plus);
    } else {
      start = address(g_.operand(i, 0), from.start, i);
      step = times(one_step, g_.constant(type, i.aux));
      advance = Op::ptradd;
    }
    const ValueId value = g_.add_argument(cfg_.loops()[loop_].header, i.type);
    const InstId next = g_.make(advance, i.type, {value, step}, 0, 0, location_);
    const InstId advanced = g_.values[from.next].index;
    const BlockId where = g_.insts[advanced].block;
    const auto& list = g_.blocks[where].instructions;
    const auto place = std::find(list.begin(), list.end(), advanced);
    g_.insert(where, static_cast<usize>(place - list.begin()), next);
    pass(before_, start), pass(latch_, g_.insts[next].result);
    bases_.push_back({g_.operand(i, 0), i.aux});
    counters_.push_back({n, p, value, g_.insts[next].result});
    ++kept_;
    return &counters_.back();
  }

  void pass(BlockId from, ValueId v) {
    for (Edge& e : g_.edges(g_.terminator(from)))
      if (e.block == cfg_.loops()[loop_].header) g_.add_edge_argument(e, v);
  }

  struct Base {
    ValueId base;
    u32 scale;
  };

  Graph& g_;
  const Cfg& cfg_;
  const u32 loop_;
  const std::vector<u32>& uses_;
  BlockId before_ = kNoBlock, latch_ = kNoBlock;
  ir::Location location_ = 0;
  std::vector<Induction> inductions_;
  std::vector<Product> products_;
  std::vector<Counter> counters_;
  std::vector<Base> bases_;  // of the counters that are addresses
  u32 kept_ = 0;
};

}  // namespace

bool reduce_strength(Graph& graph, const Context&) {
  const Cfg cfg(graph);
  if (cfg.loops().empty()) return false;
  const std::vector<u32> uses = count_uses(graph);
  std::vector<bool> innermost(cfg.loops().size(), true);
  for (const Loop& loop : cfg.loops())
    if (loop.parent != Cfg::kNoLoop) innermost[loop.parent] = false;
  bool changed = false;
  for (u32 l = 0; l < cfg.loops().size(); ++l)
    if (innermost[l] && Reducer(graph, cfg, l, uses).run()) changed = true;
  graph.settle();
  return changed;
}

}  // namespace bf::passes
