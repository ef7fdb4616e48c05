// How handlers reach the frame and go on: for handlers_*.cpp only.
#pragma once

#include <cstring>

#include "microjit/interp/handlers.h"
#include "microjit/semantics.h"

namespace bf::microjit::interp {

template <class T>
[[gnu::always_inline]] inline T get(const u8* frame, u32 offset) {
  T value;
  __builtin_memcpy(&value, frame + offset, sizeof value);
  return value;
}

template <class T>
[[gnu::always_inline]] inline void put(u8* frame, u32 offset, T value) {
  __builtin_memcpy(frame + offset, &value, sizeof value);
}

#define BF_HANDLER(name)                                             \
  __attribute__((preserve_none)) u64 name(                           \
      [[maybe_unused]] const Cell* cell, [[maybe_unused]] u8* frame, \
      [[maybe_unused]] FunctionState* state, [[maybe_unused]] u64 acc, [[maybe_unused]] Wide wide)

#ifdef BF_COUNT_CELLS
// bench/interpreter_pairs.py: which cells run after which.
const Cell* count_step(const Cell* cell, const Cell* next);
#define BF_NEXT(next) \
  [[clang::musttail]] return count_step(cell, next)->handler((next), frame, state, acc, wide)
#else
#define BF_NEXT(next) [[clang::musttail]] return (next)->handler((next), frame, state, acc, wide)
#endif

[[gnu::always_inline]] inline const Cell* at_distance(const Cell* cell, u32 bytes) {
  return reinterpret_cast<const Cell*>(reinterpret_cast<const u8*>(cell) + static_cast<i32>(bytes));
}

// Where heat is used up on a back edge to `cell`: asks the engine. `acc` is the number of the block
// there; nothing else of the accumulators goes from block to block.
BF_HANDLER(hot_edge);

#define BF_NEXT_BACK(target, header)                                        \
  do {                                                                      \
    count(state->profile.back_edges, 1);                                    \
    if (state->cool(1)) [[unlikely]] {                                      \
      acc = static_cast<u64>(header);                                       \
      [[clang::musttail]] return hot_edge(target, frame, state, acc, wide); \
    }                                                                       \
    BF_NEXT(target);                                                        \
  } while (false)

// The integer and float element types of a kind, as a call of a template lambda.
template <class F>
auto with_integer(ir::Kind kind, F f) -> decltype(f.template operator()<u8>()) {
  switch (kind) {
    case ir::Kind::I1:
    case ir::Kind::I8:
      return f.template operator()<u8>();
    case ir::Kind::I16:
      return f.template operator()<u16>();
    case ir::Kind::I32:
      return f.template operator()<u32>();
    case ir::Kind::I64:
    case ir::Kind::Ptr:
      return f.template operator()<u64>();
    default:
      return {};
  }
}
template <class F>
auto with_float(ir::Kind kind, F f) -> decltype(f.template operator()<float>()) {
  if (kind == ir::Kind::F32) return f.template operator()<float>();
  if (kind == ir::Kind::F64) return f.template operator()<double>();
  return {};
}

// ---- Patterns of handlers ---------------------------------------------------------------------

template <class Op, class T>
BF_HANDLER(scalar_binary) {
  put<T>(frame, cell->a, Op::apply(get<T>(frame, cell->b), get<T>(frame, cell->c)));
  BF_NEXT(cell + 1);
}

template <class Op, class T>
BF_HANDLER(scalar_unary) {
  put<T>(frame, cell->a, Op::apply(get<T>(frame, cell->b)));
  BF_NEXT(cell + 1);
}

template <class Op, class T>
BF_HANDLER(scalar_compare) {
  put<u8>(frame, cell->a, Op::apply(get<T>(frame, cell->b), get<T>(frame, cell->c)) ? 1 : 0);
  BF_NEXT(cell + 1);
}

// Vectors as 16-byte chunks, unrolled.
template <class Op, class T, u32 Chunks>
BF_HANDLER(chunk_binary) {
  using V = sem::Vector<T>;
#pragma clang loop unroll(full)
  for (u32 i = 0; i < Chunks; ++i)
    put(frame, cell->a + 16 * i,
        Op::apply(get<V>(frame, cell->b + 16 * i), get<V>(frame, cell->c + 16 * i)));
  BF_NEXT(cell + 1);
}

template <class Op, class T>
Handler* chunked_binary(u32 chunks) {
  return chunks == 1   ? chunk_binary<Op, T, 1>
         : chunks == 2 ? chunk_binary<Op, T, 2>
                       : chunk_binary<Op, T, 4>;
}

// Vectors lane by lane, for what is rare: `imm` lanes.
template <class Op, class T>
BF_HANDLER(lane_binary) {
  constexpr u32 size = sizeof(T);
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i)
    put<T>(frame, cell->a + i * size,
           Op::apply(get<T>(frame, cell->b + i * size), get<T>(frame, cell->c + i * size)));
  BF_NEXT(cell + 1);
}

template <class Op, class T>
BF_HANDLER(lane_unary) {
  constexpr u32 size = sizeof(T);
#pragma clang loop vectorize(disable) unroll(disable)
  for (u32 i = 0; i < cell->imm; ++i)
    put<T>(frame, cell->a + i * size, Op::apply(get<T>(frame, cell->b + i * size)));
  BF_NEXT(cell + 1);
}

}  // namespace bf::microjit::interp
