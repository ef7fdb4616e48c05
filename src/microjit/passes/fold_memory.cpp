// Addresses: chains of ptradd and index become one `base + number * scale + offset`; loads and
// stores take the constant part, and loads of constant data are done.
#include <cstring>

#include "microjit/passes/fold.h"

namespace bf::passes {

namespace {

// What all tiers can put into one instruction.
bool fits(i64 offset) {
  return offset == static_cast<i32>(offset);
}

bool is_address(const Inst& i) {
  return i.op == Op::ptradd || i.op == Op::index;
}

// `at` as base + constant.
bool constant_offset(FoldSite& s, ValueId at, ValueId& base, i64& offset) {
  const Inst* d = s.g.definition(at);
  if (!d) return false;
  i64 number;
  if (!is_address(*d) || !s.number(s.operand(*d, 1), number)) return false;
  base = s.operand(*d, 0);
  offset = d->op == Op::ptradd
               ? number
               : static_cast<i64>(static_cast<u64>(number) * d->aux + static_cast<u64>(d->imm));
  return true;
}

// The number of an index is itself a sum or a multiple.
Folded fold_number(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const u64 scale = i.op == Op::ptradd ? 1 : i.aux;
  const ValueId base = s.operand(i, 0), number = s.operand(i, 1);
  const Inst* d = s.g.definition(number);
  if (!d) return {};
  i64 c;
  const auto rewritten = [&](ValueId n, u64 new_scale, i64 offset) {
    return s.rewrite(id, Op::index, {base, n}, static_cast<u32>(new_scale), offset);
  };
  if (d->op == Op::add && s.number(s.operand(*d, 1), c)) {
    i64 offset;
    if (__builtin_mul_overflow(c, static_cast<i64>(scale), &offset) ||
        __builtin_add_overflow(offset, i.imm, &offset) || !fits(offset))
      return {};
    return rewritten(s.operand(*d, 0), scale, offset);
  }
  if (d->op == Op::shl && s.number(s.operand(*d, 1), c) && c >= 0 && c < 31 && scale << c <= 8)
    return rewritten(s.operand(*d, 0), scale << c, i.imm);
  if (d->op == Op::mul && s.number(s.operand(*d, 1), c) && c > 0 && c <= 8 &&
      scale * static_cast<u64>(c) <= 8)
    return rewritten(s.operand(*d, 0), scale * static_cast<u64>(c), i.imm);
  return {};
}

// Reading constant data: what is there is known.
ValueId constant_load(FoldSite& s, const Inst& i, ValueId base, i64 offset) {
  const Inst* d = s.made_by(base, Op::data_addr);
  if (!d) return kNoValue;
  const ir::Data& data = s.g.module().data[d->aux];
  offset += d->imm;
  const u64 bytes = i.type.bytes();
  if (data.writable || offset < 0 || static_cast<u64>(offset) + bytes > data.size) return kNoValue;
  for (const ir::Relocation& r : data.relocations)
    if (r.offset < static_cast<u64>(offset) + bytes && static_cast<u64>(offset) < r.offset + 8)
      return kNoValue;
  if (i.type.kind == Kind::I1) return kNoValue;
  u8 copy[ir::kMaxVectorBytes] = {};
  for (u64 n = 0; n < bytes; ++n)
    if (const u64 at = static_cast<u64>(offset) + n; at < data.bytes.size())
      copy[n] = data.bytes[at];
  if (i.type.is_vector()) return s.g.vector_constant(i.type, {copy, bytes});
  u64 bits;
  std::memcpy(&bits, copy, sizeof bits);
  return s.g.constant(i.type, bits);
}

}  // namespace

Folded fold_address(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const ValueId base = s.operand(i, 0), number = s.operand(i, 1);
  ValueId inner;
  i64 offset, c;
  if (s.number(number, c)) {
    offset = i.op == Op::ptradd
                 ? c
                 : static_cast<i64>(static_cast<u64>(c) * i.aux + static_cast<u64>(i.imm));
    if (offset == 0) return Folded::to(base);
    i64 more;
    if (constant_offset(s, base, inner, more) && !__builtin_add_overflow(offset, more, &more))
      return s.rewrite(id, Op::ptradd, {inner, s.g.constant({Kind::I64}, static_cast<u64>(more))});
    const Inst* d = s.g.definition(base);
    if (d && d->op == Op::index && fits(offset) && s.used_once(base) && fits(d->imm + offset))
      return s.rewrite(id, Op::index, {s.operand(*d, 0), s.operand(*d, 1)}, d->aux,
                       d->imm + offset);
    if (d && d->op == Op::data_addr && fits(offset) && fits(d->imm + offset) &&
        d->imm + offset >= 0 && static_cast<u64>(d->imm + offset) <= s.g.module().data[d->aux].size)
      return s.rewrite(id, Op::data_addr, {}, d->aux, d->imm + offset);
    if (i.op == Op::index)
      return s.rewrite(id, Op::ptradd, {base, s.g.constant({Kind::I64}, static_cast<u64>(offset))});
    return {};
  }
  if (i.op == Op::index && i.aux == 0) {
    const u64 constant = static_cast<u64>(i.imm);
    return s.rewrite(id, Op::ptradd, {base, s.g.constant({Kind::I64}, constant)});
  }
  if (constant_offset(s, base, inner, offset) && !__builtin_add_overflow(offset, i.imm, &offset) &&
      fits(offset))
    return s.rewrite(id, Op::index, {inner, number}, i.op == Op::ptradd ? 1 : i.aux, offset);
  return fold_number(s, id);
}

Folded fold_access(FoldSite& s, InstId id) {
  const Inst i = s.g.insts[id];
  const u32 where = i.op == Op::load ? 0 : 1;
  const ValueId at = s.operand(i, where);
  ValueId base = at;
  i64 offset = 0;
  const bool moved = constant_offset(s, at, base, offset) &&
                     !__builtin_add_overflow(offset, i.imm, &offset) && fits(offset);
  if (!moved) base = at, offset = i.imm;
  if (i.op == Op::load)
    if (const ValueId v = constant_load(s, i, base, offset); v != kNoValue) return Folded::to(v);
  if (!moved) {
    // The constant part of an index moves into the access, so that neighbours share the index.
    const Inst* d = s.made_by(at, Op::index);
    if (!d || d->imm == 0 || __builtin_add_overflow(d->imm, i.imm, &offset) || !fits(offset))
      return {};
    base = s.make(Op::index, d->type, {s.operand(*d, 0), s.operand(*d, 1)}, d->aux, 0);
  }
  if (i.op == Op::load) return s.rewrite(id, Op::load, {base}, i.aux, offset);
  return s.rewrite(id, Op::store, {s.operand(i, 0), base}, i.aux, offset);
}

}  // namespace bf::passes
