#include <emmintrin.h>

#include "microjit/interp/cell_access.h"

namespace bf::microjit::interp {

using ir::Op;
using ir::Type;

namespace {

#define BF_FLOAT_CHUNKED(row) row(fadd) row(fsub) row(fmul) row(fdiv)
#define BF_FLOAT_UNARY(row) row(floor) row(ceil) row(trunc_f) row(rint) row(round)
#define BF_FLOAT_COMPARES(row)                                                             \
  row(foeq) row(fogt) row(foge) row(folt) row(fole) row(fone) row(ford) row(fueq) row(fugt) \
      row(fuge) row(fult) row(fule) row(fune) row(funo)

template <class F>
Choice chunked(Type type) {
  return with_float(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_binary<F, T>};
    return {chunked_binary<F, T>(chunks_of(type))};
  });
}

template <class F>
Choice by_lane(Type type) {
  return with_float(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_binary<F, T>};
    return {lane_binary<F, T>, type.lanes};
  });
}

template <class F>
Choice compare(Type type) {
  return with_float(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_compare<F, T>};
    return {chunked_binary<F, T>(chunks_of(type))};
  });
}

template <class F>
Choice unary(Type type) {
  return with_float(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_unary<F, T>};
    return {lane_unary<F, T>, type.lanes};
  });
}

// Sign operations and square root: SSE2 has them for 16 bytes.
template <Op op, class T>
__m128 chunk_of(__m128 v) {
  const __m128 sign = sizeof(T) == 8 ? (__m128)_mm_set1_epi64x(static_cast<i64>(1ull << 63))
                                     : (__m128)_mm_set1_epi32(static_cast<i32>(1u << 31));
  if constexpr (op == Op::fneg) return _mm_xor_ps(v, sign);
  else if constexpr (op == Op::fabs) return _mm_andnot_ps(sign, v);
  else if constexpr (sizeof(T) == 8) return (__m128)_mm_sqrt_pd((__m128d)v);
  else return _mm_sqrt_ps(v);
}

template <Op op, class T>
BF_HANDLER(chunk_unary) {
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i)
    put(frame, cell->a + 16 * i, chunk_of<op, T>(get<__m128>(frame, cell->b + 16 * i)));
  BF_NEXT(cell + 1);
}

template <Op op, class F>
Choice chunked_unary(Type type) {
  return with_float(type.kind, [&]<class T>() -> Choice {
    if (!type.is_vector()) return {scalar_unary<F, T>};
    return {chunk_unary<op, T>, chunks_of(type)};
  });
}

// A scalar is a vector of one lane here.
template <class T>
BF_HANDLER(lane_fma) {
  constexpr u32 size = sizeof(T);
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i)
    put<T>(frame, cell->a + i * size,
           sem::fma::apply(get<T>(frame, cell->b + i * size), get<T>(frame, cell->c + i * size),
                           get<T>(frame, cell->d + i * size)));
  BF_NEXT(cell + 1);
}

}  // namespace

Choice float_handler(Op op, Type type) {
  switch (op) {
#define BF_CASE(name) \
  case Op::name:      \
    return chunked<sem::name>(type);
    BF_FLOAT_CHUNKED(BF_CASE)
#undef BF_CASE
#define BF_CASE(name) \
  case Op::name:      \
    return compare<sem::name>(type);
    BF_FLOAT_COMPARES(BF_CASE)
#undef BF_CASE
#define BF_CASE(name) \
  case Op::name:      \
    return unary<sem::name>(type);
    BF_FLOAT_UNARY(BF_CASE)
#undef BF_CASE
    case Op::frem:
      return by_lane<sem::frem_>(type);
    case Op::fminnum:
      return by_lane<sem::fminnum>(type);
    case Op::fmaxnum:
      return by_lane<sem::fmaxnum>(type);
    case Op::copysign:
      return by_lane<sem::copysign>(type);
    case Op::fneg:
      return chunked_unary<Op::fneg, sem::fneg>(type);
    case Op::fabs:
      return chunked_unary<Op::fabs, sem::fabs>(type);
    case Op::sqrt:
      return chunked_unary<Op::sqrt, sem::sqrt>(type);
    case Op::fma:
      return with_float(type.kind,
                        [&]<class T>() -> Choice { return {lane_fma<T>, type.lanes}; });
    default:
      return {};
  }
}

}  // namespace bf::microjit::interp
