#include "microjit/passes/alias.h"

#include "microjit/passes/cfg.h"

namespace bf::passes {

namespace {

bool is_address(const Inst& i) {
  return i.op == Op::ptradd || i.op == Op::index;
}

}  // namespace

Alias::Alias(const Graph& graph) : g_(graph), escaped_(graph.values.size()) {
  follow_addresses();
}

void Alias::follow_addresses() {
  const auto root_of = [&](ValueId v) {
    const Inst* d = g_.definition(v);
    while (d && is_address(*d)) d = g_.definition(g_.operand(*d, 0));
    return d && d->op == Op::stack_alloc ? d->result : kNoValue;
  };
  const auto give_away = [&](ValueId v) {
    if (g_.type(v).kind != Kind::Ptr) return;
    if (const ValueId root = root_of(v); root != kNoValue) escaped_[root] = true;
  };
  for (const Block& b : g_.blocks)
    for (const InstId id : b.instructions) {
      const Inst& i = g_.insts[id];
      switch (i.op) {
        case Op::load:
        case Op::memcopy:
        case Op::memmove:
        case Op::memfill:
        case Op::ptradd:
        case Op::index:
        case Op::eq:
        case Op::ne:
          break;
        case Op::store:
          give_away(g_.operand(i, 0));
          break;
        default:
          for (const ValueId v : g_.operands(i)) give_away(v);
          for (const Edge& e : g_.edges(i))
            for (const ValueId v : g_.arguments(e)) give_away(v);
      }
    }
}

Place Alias::place(ValueId address, i64 imm, u64 bytes) const {
  Place p;
  p.base = address, p.offset = imm, p.size = bytes;
  const Inst* d = g_.definition(address);
  // Constant offsets, as long as they add up.
  while (d && is_address(*d) && g_.is_constant(g_.operand(*d, 1))) {
    const i64 number = static_cast<i64>(g_.values[g_.operand(*d, 1)].bits);
    i64 offset;
    if (__builtin_mul_overflow(number, d->op == Op::index ? static_cast<i64>(d->aux) : 1,
                               &offset) ||
        __builtin_add_overflow(offset, d->op == Op::index ? d->imm : 0, &offset) ||
        __builtin_add_overflow(offset, p.offset, &offset))
      break;
    p.offset = offset;
    p.base = g_.operand(*d, 0);
    d = g_.definition(p.base);
  }
  p.root = p.base;
  const bool direct = !d || !is_address(*d);
  while (d && is_address(*d)) {
    p.root = g_.operand(*d, 0);
    d = g_.definition(p.root);
  }
  if (!d) return p;
  p.is_stack = d->op == Op::stack_alloc;
  if (d->op == Op::data_addr) {
    p.object = d->aux;
    if (direct && !__builtin_add_overflow(p.offset, d->imm, &p.offset)) p.base = kNoValue;
  }
  return p;
}

bool Alias::may_overlap(const Place& a, const Place& b) const {
  const bool same_base = a.base == b.base && (a.base != kNoValue || a.object == b.object);
  if (same_base) {
    if (a.size == kAnySize || b.size == kAnySize) return true;
    const u64 apart = static_cast<u64>(b.offset) - static_cast<u64>(a.offset);  // modulo 2^64
    return apart < a.size || u64{0} - apart < b.size;
  }
  const bool a_data = a.object != ~0u, b_data = b.object != ~0u;
  if (a_data && b_data) return a.object == b.object;
  if (a.is_stack && b.is_stack) return a.root == b.root;
  if ((a.is_stack && b_data) || (b.is_stack && a_data)) return false;
  if (a.is_stack) return escaped_[a.root];
  if (b.is_stack) return escaped_[b.root];
  return true;
}

bool Alias::same(const Place& a, const Place& b) {
  return a.base == b.base && (a.base != kNoValue || a.object == b.object) && a.offset == b.offset &&
         a.size == b.size && a.size != kAnySize;
}

bool Alias::within(const Place& inner, const Place& outer) {
  return inner.base == outer.base && (inner.base != kNoValue || inner.object == outer.object) &&
         inner.size != kAnySize && outer.size != kAnySize && inner.offset >= outer.offset &&
         static_cast<u64>(inner.offset - outer.offset) <= outer.size &&
         inner.size <= outer.size - static_cast<u64>(inner.offset - outer.offset);
}

bool Alias::visible_outside(const Place& p) const {
  return !p.is_stack || escaped_[p.root];
}

bool Alias::constant(const Place& p) const {
  return p.object != ~0u && !g_.module().data[p.object].writable;
}

bool Alias::always_readable(const Place& p) const {
  if (p.size == kAnySize || p.offset < 0) return false;
  const u64 end = static_cast<u64>(p.offset) + p.size;
  if (p.object != ~0u) return p.base == kNoValue && end <= g_.module().data[p.object].size;
  if (!p.is_stack || p.base != p.root) return false;
  return end <= static_cast<u64>(g_.definition(p.root)->imm);
}

MemoryEffect Alias::effect(const Inst& i) const {
  MemoryEffect e;
  const auto length = [&](u32 n) {
    const ValueId v = g_.operand(i, n);
    return g_.is_constant(v) ? g_.values[v].bits : kAnySize;
  };
  switch (ir::op_info(i.op).effects) {
    case ir::Effects::Calls:
      e.reads_all = e.writes_all = true;
      return e;
    case ir::Effects::Reads:
      e.has_read = true;
      e.read = place(g_.operand(i, 0), i.imm, i.type.bytes());
      return e;
    case ir::Effects::Writes:
      break;
    case ir::Effects::Ends:
      // Who goes on may read all but what was ours.
      e.reads_all = i.edge_count == 0;
      return e;
    default:
      return e;
  }
  e.has_write = true;
  switch (i.op) {
    case Op::store:
      e.write = place(g_.operand(i, 1), i.imm, g_.type(g_.operand(i, 0)).bytes());
      return e;
    case Op::memcopy:
    case Op::memmove:
      e.has_read = true;
      e.read = place(g_.operand(i, 1), 0, length(2));
      [[fallthrough]];
    case Op::memfill:
      e.write = place(g_.operand(i, 0), 0, length(2));
      return e;
    default:
      e.reads_all = e.writes_all = true;
      e.write = place(g_.operand(i, 0), 0, kAnySize);
      return e;
  }
}

}  // namespace bf::passes
