#include "microjit/passes/addresses.h"

#include <algorithm>

namespace bf::passes {

namespace {

// value * scale; constants that are added to the value go to the offset.
bool add_term(const Graph& g, Address& a, ValueId value, u64 scale) {
  for (;;) {
    if (g.is_constant(value)) {
      a.offset = static_cast<i64>(static_cast<u64>(a.offset) + g.values[value].bits * scale);
      return true;
    }
    const Inst* i = g.definition(value);
    if (!i || (i->op != Op::add && i->op != Op::sub && i->op != Op::shl)) break;
    const ValueId by = g.operand(*i, 1);
    if (!g.is_constant(by)) break;
    const u64 bits = g.values[by].bits;
    if (i->op == Op::shl) {
      scale <<= bits & 63;
    } else {
      const u64 bytes = bits * scale;
      a.offset = static_cast<i64>(i->op == Op::add ? static_cast<u64>(a.offset) + bytes
                                                   : static_cast<u64>(a.offset) - bytes);
    }
    value = g.operand(*i, 0);
  }
  for (u32 n = 0; n < a.term_count; ++n)
    if (a.terms[n].value == value) {
      a.terms[n].scale += scale;
      return true;
    }
  if (a.term_count == Address::kMaxTerms) return false;
  a.terms[a.term_count++] = {value, scale};
  return true;
}

bool is_object(const Inst* i) {
  return i && (i->op == Op::stack_alloc || i->op == Op::data_addr);
}

}  // namespace

Address address_of(const Graph& g, ValueId pointer, i64 offset) {
  Address a;
  a.base = pointer;
  a.offset = offset;
  for (;;) {
    const Inst* i = g.definition(a.base);
    if (!i || (i->op != Op::index && i->op != Op::ptradd)) break;
    Address next = a;
    const u64 scale = i->op == Op::index ? i->aux : 1;
    if (!add_term(g, next, g.operand(*i, 1), scale)) break;
    if (i->op == Op::index)
      next.offset = static_cast<i64>(static_cast<u64>(next.offset) + static_cast<u64>(i->imm));
    next.base = g.operand(*i, 0);
    a = next;
  }
  std::sort(a.terms, a.terms + a.term_count,
            [](const Address::Term& x, const Address::Term& y) { return x.value < y.value; });
  return a;
}

Address address_of(const Graph& g, const Inst& access) {
  return address_of(g, g.operand(access, access.op == Op::store ? 1 : 0), access.imm);
}

bool same_place(const Address& a, const Address& b) {
  return a.base == b.base && a.term_count == b.term_count &&
         std::equal(a.terms, a.terms + a.term_count, b.terms);
}

bool may_overlap(const Graph& g, const Address& a, u64 a_bytes, const Address& b, u64 b_bytes) {
  if (same_place(a, b)) {
    const u64 apart = static_cast<u64>(b.offset) - static_cast<u64>(a.offset);
    return apart < a_bytes || u64{0} - apart < b_bytes;
  }
  const Inst *x = g.definition(a.base), *y = g.definition(b.base);
  if (a.base == b.base || !is_object(x) || !is_object(y)) return true;
  return x->op == Op::data_addr && y->op == Op::data_addr && x->aux == y->aux;
}

}  // namespace bf::passes
