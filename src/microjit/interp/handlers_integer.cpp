#include <emmintrin.h>

#include "microjit/interp/cell_access.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;
using ir::Type;

namespace {

// Operations with a 16-byte form, and those that go lane by lane.
#define BF_CHUNKED(row) \
  row(add) row(sub) row(mul) row(and_) row(or_) row(xor_) row(shl) row(lshr) row(ashr) \
      row(smin) row(smax) row(umin) row(umax)
#define BF_BY_LANE(row) \
  row(umulh) row(smulh) row(udiv) row(sdiv) row(urem) row(srem) row(rotl) row(rotr) \
      row(sadd_sat) row(uadd_sat) row(ssub_sat) row(usub_sat)
#define BF_UNARY(row) row(abs) row(ctpop) row(ctlz) row(cttz) row(bswap) row(bitreverse)
#define BF_COMPARES(row) \
  row(eq) row(ne) row(ult) row(ule) row(ugt) row(uge) row(slt) row(sle) row(sgt) row(sge)
#define BF_OVERFLOWS(row) \
  row(sadd_overflows) row(uadd_overflows) row(ssub_overflows) row(usub_overflows) \
      row(smul_overflows) row(umul_overflows)

template <class F>
Choice chunked(Type type) {
  return with_integer(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_binary<F, T>};
    return {chunked_binary<F, T>(chunks_of(type))};
  });
}

template <class F>
Choice by_lane(Type type) {
  return with_integer(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_binary<F, T>};
    return {lane_binary<F, T>, type.lanes};
  });
}

template <class F>
Choice unary(Type type) {
  return with_integer(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_unary<F, T>};
    return {lane_unary<F, T>, type.lanes};
  });
}

template <class F>
Choice compare(Type type) {
  return with_integer(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_compare<F, T>};
    return {chunked_binary<F, T>(chunks_of(type))};
  });
}

template <class F>
Choice overflow(Type type) {
  return with_integer(type.kind, [&]<class T>() -> Choice { return {scalar_compare<F, T>}; });
}

// Uniform shifts: SSE2 shifts all lanes of 16, 32 or 64 bits by one amount.
template <Op op, class T>
__m128i shift_all(__m128i v, __m128i amount) {
  if constexpr (op == Op::shl) {
    if constexpr (sizeof(T) == 2) return _mm_sll_epi16(v, amount);
    else if constexpr (sizeof(T) == 4) return _mm_sll_epi32(v, amount);
    else return _mm_sll_epi64(v, amount);
  } else if constexpr (op == Op::lshr) {
    if constexpr (sizeof(T) == 2) return _mm_srl_epi16(v, amount);
    else if constexpr (sizeof(T) == 4) return _mm_srl_epi32(v, amount);
    else return _mm_srl_epi64(v, amount);
  } else {
    if constexpr (sizeof(T) == 2) return _mm_sra_epi16(v, amount);
    else return _mm_sra_epi32(v, amount);
  }
}

template <Op op, class T, u32 Chunks>
BF_HANDLER(uniform_shift) {
  const __m128i amount = _mm_cvtsi64_si128(cell->imm);
#pragma clang loop unroll(full)
  for (u32 i = 0; i < Chunks; ++i)
    put(frame, cell->a + 16 * i,
        shift_all<op, T>(get<__m128i>(frame, cell->b + 16 * i), amount));
  BF_NEXT(cell + 1);
}

template <Op op, class T>
Handler* uniform_shift_of(u32 chunks) {
  return chunks == 1   ? uniform_shift<op, T, 1>
         : chunks == 2 ? uniform_shift<op, T, 2>
                       : uniform_shift<op, T, 4>;
}

}  // namespace

Choice integer_handler(Op op, Type type) {
  switch (op) {
#define BF_CASE(name) \
  case Op::name:      \
    return chunked<sem::name>(type);
    BF_CHUNKED(BF_CASE)
#undef BF_CASE
#define BF_CASE(name) \
  case Op::name:      \
    return by_lane<sem::name>(type);
    BF_BY_LANE(BF_CASE)
#undef BF_CASE
#define BF_CASE(name) \
  case Op::name:      \
    return unary<sem::name>(type);
    BF_UNARY(BF_CASE)
#undef BF_CASE
#define BF_CASE(name) \
  case Op::name:      \
    return compare<sem::name>(type);
    BF_COMPARES(BF_CASE)
#undef BF_CASE
#define BF_CASE(name) \
  case Op::name:      \
    return overflow<sem::name>(type);
    BF_OVERFLOWS(BF_CASE)
#undef BF_CASE
    default:
      return {};
  }
}

Handler* uniform_shift_handler(Op op, Type type) {
  const u32 chunks = chunks_of(type);
  switch (op) {
    case Op::shl:
      return type.kind == Kind::I16   ? uniform_shift_of<Op::shl, u16>(chunks)
             : type.kind == Kind::I32 ? uniform_shift_of<Op::shl, u32>(chunks)
             : type.kind == Kind::I64 ? uniform_shift_of<Op::shl, u64>(chunks)
                                      : nullptr;
    case Op::lshr:
      return type.kind == Kind::I16   ? uniform_shift_of<Op::lshr, u16>(chunks)
             : type.kind == Kind::I32 ? uniform_shift_of<Op::lshr, u32>(chunks)
             : type.kind == Kind::I64 ? uniform_shift_of<Op::lshr, u64>(chunks)
                                      : nullptr;
    case Op::ashr:
      return type.kind == Kind::I16   ? uniform_shift_of<Op::ashr, u16>(chunks)
             : type.kind == Kind::I32 ? uniform_shift_of<Op::ashr, u32>(chunks)
                                      : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace bf::microjit::interp
