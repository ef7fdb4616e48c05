#include "microjit/passes/loops.h"
#include "microjit/ir/op_facts.h"

namespace bf::passes {

namespace {

// The predecessors of a header from outside its loop.
std::vector<Cfg::Predecessor> entries(const Cfg& cfg, u32 loop) {
  std::vector<Cfg::Predecessor> out;
  for (const auto& p : cfg.predecessors(cfg.loops()[loop].header))
    if (!cfg.in_loop(p.block, loop)) out.push_back(p);
  return out;
}

void make_preheader(Graph& g, BlockId header, std::span<const Cfg::Predecessor> from) {
  if (from.size() == 1) {
    g.split_edge(from[0].block, from[0].edge);
    return;
  }
  const BlockId before = g.add_block();
  std::vector<ValueId> arguments;
  for (usize n = 0; n < g.blocks[header].arguments.size(); ++n)
    arguments.push_back(g.add_argument(before, g.type(g.blocks[header].arguments[n])));
  const Graph::Jump jump{header, arguments};
  g.append(before, g.make_jump(Op::br, {}, {&jump, 1}));
  for (const auto& p : from) g.edges(g.terminator(p.block))[p.edge].block = before;
}

u64 width_mask(Type t) {
  return t.element_bits() >= 64 ? ~u64{0} : (u64{1} << t.element_bits()) - 1;
}
i64 sign_extended(u64 bits, Type t) {
  const u32 unused = 64 - t.element_bits();
  return static_cast<i64>(bits << unused) >> unused;
}

bool holds(Op compare, u64 a, u64 b, Type t) {
  const i64 x = sign_extended(a, t), y = sign_extended(b, t);
  switch (compare) {
    case Op::eq:
      return a == b;
    case Op::ne:
      return a != b;
    case Op::ult:
      return a < b;
    case Op::ule:
      return a <= b;
    case Op::ugt:
      return a > b;
    case Op::uge:
      return a >= b;
    case Op::slt:
      return x < y;
    case Op::sle:
      return x <= y;
    case Op::sgt:
      return x > y;
    default:
      return x >= y;
  }
}

// value + constant, value + invariant.
bool is_step(const Graph& g, const Cfg& cfg, u32 loop, ValueId next, Induction& out) {
  const Inst* i = g.definition(next);
  if (!i || i->type.is_vector() || i->operand_count != 2) return false;
  const auto ids = g.operands(*i);
  ValueId other = ids[1];
  if (ids[0] != out.value) {
    if (i->op != Op::add || ids[1] != out.value) return false;
    other = ids[0];
  }
  const bool constant = g.is_scalar_constant(other);
  const i64 amount = constant ? sign_extended(g.values[other].bits, g.type(other)) : 0;
  switch (i->op) {
    case Op::add:
    case Op::ptradd:
      out.constant = amount;
      break;
    case Op::sub:
      if (!constant) return false;
      out.constant = static_cast<i64>(u64{0} - static_cast<u64>(amount));
      break;
    case Op::index:
      if (!constant) return false;
      out.constant = static_cast<i64>(static_cast<u64>(amount) * i->aux + static_cast<u64>(i->imm));
      break;
    default:
      return false;
  }
  out.step = constant ? kNoValue : other;
  return constant || invariant(g, cfg, loop, other);
}

}  // namespace

bool make_preheaders(Graph& graph) {
  const Cfg cfg(graph);
  bool changed = false;
  for (u32 l = 0; l < cfg.loops().size(); ++l) {
    if (preheader(graph, cfg, l) != kNoBlock) continue;
    make_preheader(graph, cfg.loops()[l].header, entries(cfg, l));
    changed = true;
  }
  return changed;
}

BlockId preheader(const Graph& graph, const Cfg& cfg, u32 loop) {
  BlockId found = kNoBlock;
  for (const auto& p : cfg.predecessors(cfg.loops()[loop].header)) {
    if (cfg.in_loop(p.block, loop)) continue;
    if (found != kNoBlock) return kNoBlock;
    found = p.block;
  }
  return graph.terminator(found).op == Op::br ? found : kNoBlock;
}

BlockId latch(const Graph&, const Cfg& cfg, u32 loop) {
  BlockId found = kNoBlock;
  for (const auto& p : cfg.predecessors(cfg.loops()[loop].header)) {
    if (!cfg.in_loop(p.block, loop)) continue;
    if (found != kNoBlock) return kNoBlock;
    found = p.block;
  }
  return found;
}

std::vector<LoopExit> loop_exits(const Graph& graph, const Cfg& cfg, u32 loop) {
  std::vector<LoopExit> exits;
  for (const BlockId b : cfg.loops()[loop].blocks) {
    u32 n = 0;
    for (const Edge& e : graph.edges(graph.terminator(b))) {
      if (!cfg.in_loop(e.block, loop)) exits.push_back({b, n, e.block});
      ++n;
    }
  }
  return exits;
}

bool invariant(const Graph& graph, const Cfg& cfg, u32 loop, ValueId v) {
  const BlockId b = graph.block_of(v);
  return b == kNoBlock || !cfg.in_loop(b, loop);
}

std::vector<Induction> find_inductions(const Graph& graph, const Cfg& cfg, u32 loop) {
  std::vector<Induction> found;
  const BlockId header = cfg.loops()[loop].header;
  const BlockId before = preheader(graph, cfg, loop), last = latch(graph, cfg, loop);
  if (before == kNoBlock || last == kNoBlock) return found;
  const auto start = graph.arguments(graph.edges(graph.terminator(before))[0]);
  std::span<const ValueId> next;
  for (const Edge& e : graph.edges(graph.terminator(last)))
    if (e.block == header) next = graph.arguments(e);
  for (u32 n = 0; n < graph.blocks[header].arguments.size(); ++n) {
    Induction i{n, graph.blocks[header].arguments[n], start[n], next[n], kNoValue};
    if (is_step(graph, cfg, loop, next[n], i)) found.push_back(i);
  }
  return found;
}

std::vector<LoopBound> find_bounds(const Graph& graph, const Cfg& cfg, u32 loop,
                                   const std::vector<Induction>& inductions) {
  std::vector<LoopBound> bounds;
  for (const LoopExit& exit : loop_exits(graph, cfg, loop)) {
    const Inst& t = graph.terminator(exit.block);
    if (t.op != Op::br_if) continue;
    if (!cfg.in_loop(graph.edges(t)[1 - exit.edge].block, loop)) continue;
    const Inst* c = graph.definition(graph.operand(t, 0));
    if (!c || ir::op_info(c->op).signature != ir::Signature::IntCompare) continue;
    for (u32 side = 0; side < 2; ++side)
      for (u32 n = 0; n < inductions.size(); ++n) {
        const ValueId tested = graph.operand(*c, side), limit = graph.operand(*c, 1 - side);
        if (tested != inductions[n].value && tested != inductions[n].next) continue;
        if (!invariant(graph, cfg, loop, limit)) continue;
        Op compare = side == 0 ? c->op : ir::swapped(c->op);
        if (exit.edge == 0) compare = ir::inverted(compare);
        bounds.push_back({exit, n, tested == inductions[n].next, compare, limit});
      }
  }
  return bounds;
}

bool count_trips(const Graph& graph, const Induction& induction, const LoopBound& bound, u64 most,
                 u64& trips) {
  if (!graph.is_scalar_constant(induction.start) || !graph.is_scalar_constant(bound.limit))
    return false;
  if (induction.step != kNoValue) return false;
  const Type t = graph.type(induction.value);
  const u64 mask = width_mask(t), step = static_cast<u64>(induction.constant);
  u64 value = graph.values[induction.start].bits;
  const u64 limit = graph.values[bound.limit].bits;
  for (trips = 0; trips < most; ++trips) {
    const u64 next = (value + step) & mask;
    if (!holds(bound.compare, bound.tests_next ? next : value, limit, t)) return true;
    value = next;
  }
  return false;
}

}  // namespace bf::passes
