#include "microjit/interp/cell_access.h"

namespace bf::microjit::interp {

using ir::Kind;
using ir::Op;
using ir::Type;

namespace {

// ---- Choice -----------------------------------------------------------------------------------

// b: i1, c if true, d if false; `imm` 16-byte chunks (scalars: one 8-byte move).
BF_HANDLER(select_scalar) {
  put<u64>(frame, cell->a,
           get<u8>(frame, cell->b) & 1 ? get<u64>(frame, cell->c) : get<u64>(frame, cell->d));
  BF_NEXT(cell + 1);
}

BF_HANDLER(select_whole) {
  const u32 from = get<u8>(frame, cell->b) & 1 ? cell->c : cell->d;
  for (u32 i = 0; i < 16 * cell->imm; i += 16)
    put(frame, cell->a + i, get<sem::Vector<u64>>(frame, from + i));
  BF_NEXT(cell + 1);
}

// By lane masks of all ones or all zeros.
BF_HANDLER(select_lanes) {
  using V = sem::Vector<u64>;
  for (u32 i = 0; i < 16 * cell->imm; i += 16) {
    const V mask = get<V>(frame, cell->b + i);
    put(frame, cell->a + i,
        (get<V>(frame, cell->c + i) & mask) | (get<V>(frame, cell->d + i) & ~mask));
  }
  BF_NEXT(cell + 1);
}

// ---- Lanes ------------------------------------------------------------------------------------

template <class T>
BF_HANDLER(splat) {
  const sem::Vector<T> v = sem::Vector<T>{} + get<T>(frame, cell->b);
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < 16 * cell->imm; i += 16) put(frame, cell->a + i, v);
  BF_NEXT(cell + 1);
}

// `imm` lanes in the vector; c (d) is the lane number.
template <class T>
BF_HANDLER(extract) {
  const u32 lane = get<u32>(frame, cell->c) & static_cast<u32>(cell->imm - 1);
  put<T>(frame, cell->a, get<T>(frame, cell->b + lane * static_cast<u32>(sizeof(T))));
  BF_NEXT(cell + 1);
}

// The upper half of `imm` is the number of chunks to copy, the lower half the number of lanes.
template <class T>
BF_HANDLER(insert) {
  const u32 lanes = static_cast<u32>(cell->imm), chunks = static_cast<u32>(cell->imm >> 32);
  for (u32 i = 0; i < 16 * chunks; i += 16)
    put(frame, cell->a + i, get<sem::Vector<u64>>(frame, cell->b + i));
  const u32 lane = get<u32>(frame, cell->d) & (lanes - 1);
  put<T>(frame, cell->a + lane * static_cast<u32>(sizeof(T)), get<T>(frame, cell->c));
  BF_NEXT(cell + 1);
}

BF_HANDLER(shuffle) {
  const auto* plan = static_cast<const ShufflePlan*>(cell->pointer);
  for (const ShufflePlan::Run& run : plan->runs) {
    u32 from = run.from, to = run.to, left = run.bytes;
    for (; left >= 16; left -= 16, from += 16, to += 16)
      put(frame, to, get<sem::Vector<u64>>(frame, from));
    if (left & 8) {
      put(frame, to, get<u64>(frame, from));
      from += 8, to += 8;
    }
    if (left & 4) {
      put(frame, to, get<u32>(frame, from));
      from += 4, to += 4;
    }
    if (left & 2) {
      put(frame, to, get<u16>(frame, from));
      from += 2, to += 2;
    }
    if (left & 1) put(frame, to, get<u8>(frame, from));
  }
  BF_NEXT(cell + 1);
}

// ---- Reductions -------------------------------------------------------------------------------

template <class F, class T>
BF_HANDLER(reduce) {
  T result = get<T>(frame, cell->b);
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 1; i < cell->imm; ++i)
    result = F::apply(result, get<T>(frame, cell->b + i * static_cast<u32>(sizeof(T))));
  put<T>(frame, cell->a, result);
  BF_NEXT(cell + 1);
}

template <class F>
Choice reduction(Type type) {
  return with_integer(type.kind, [&]<class T>() -> Choice { return {reduce<F, T>, type.lanes}; });
}

// b: start, c: vector. The order is part of the meaning.
template <class T>
BF_HANDLER(reduce_fadd) {
  T sum = get<T>(frame, cell->b);
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i)
    sum = sum + get<T>(frame, cell->c + i * static_cast<u32>(sizeof(T)));
  put<T>(frame, cell->a, sum);
  BF_NEXT(cell + 1);
}

template <class T>
BF_HANDLER(mask_bits) {
  u64 bits = 0;
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i) {
    const T lane = get<T>(frame, cell->b + i * static_cast<u32>(sizeof(T)));
    bits |= static_cast<u64>(lane >> (sizeof(T) * 8 - 1)) << i;
  }
  put<u64>(frame, cell->a, bits);
  BF_NEXT(cell + 1);
}

// `imm` result lanes.
template <class First>
BF_HANDLER(dot4) {
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < 4 * cell->imm; i += 4) {
    i32 sum = 0;
    for (u32 k = 0; k < 4; ++k)
      sum += i32{get<First>(frame, cell->b + i + k)} * get<i8>(frame, cell->c + i + k);
    put<i32>(frame, cell->a + i, sum);
  }
  BF_NEXT(cell + 1);
}

// Lanes are moved as bits: floats like integers of their size.
Kind bits_kind(Type type) { return ir::int_kind(type.element_bits()); }

}  // namespace

Choice vector_handler(Op op, Type type) {
  const i64 chunks = chunks_of(type);
  switch (op) {
    case Op::select:  // the mask's type tells which; see decode.cpp
      if (!type.is_vector()) return {select_scalar};
      return {select_lanes, chunks};
    case Op::splat:
      return with_integer(bits_kind(type), [&]<class T>() -> Choice { return {splat<T>, chunks}; });
    case Op::extract:
      return with_integer(bits_kind(type),
                          [&]<class T>() -> Choice { return {extract<T>, type.lanes}; });
    case Op::insert:
      return with_integer(bits_kind(type), [&]<class T>() -> Choice {
        return {insert<T>, chunks << 32 | type.lanes};
      });
    case Op::shuffle:
      return {shuffle};
    case Op::reduce_add:
      return reduction<sem::add>(type);
    case Op::reduce_mul:
      return reduction<sem::mul>(type);
    case Op::reduce_and:
      return reduction<sem::and_>(type);
    case Op::reduce_or:
      return reduction<sem::or_>(type);
    case Op::reduce_xor:
      return reduction<sem::xor_>(type);
    case Op::reduce_smin:
      return reduction<sem::smin>(type);
    case Op::reduce_smax:
      return reduction<sem::smax>(type);
    case Op::reduce_umin:
      return reduction<sem::umin>(type);
    case Op::reduce_umax:
      return reduction<sem::umax>(type);
    case Op::reduce_fadd:
      return with_float(type.kind,
                        [&]<class T>() -> Choice { return {reduce_fadd<T>, type.lanes}; });
    case Op::mask_bits:
      return with_integer(type.kind,
                          [&]<class T>() -> Choice { return {mask_bits<T>, type.lanes}; });
    case Op::dot4_ss:
      return {dot4<i8>, type.lanes};
    case Op::dot4_us:
      return {dot4<u8>, type.lanes};
    default:
      return {};
  }
}

Choice select_whole_handler(Type type) {
  if (!type.is_vector()) return {select_scalar};
  return {select_whole, static_cast<i64>(chunks_of(type))};
}

}  // namespace bf::microjit::interp
