// Generic vectors of 64 bytes, and the few idioms that kernels are written in.
//
// All of it compiles to plain vector operations of the IR: a tier splits what its CPU cannot do
// whole. Nothing here may make an intermediate of more than 64 bytes, or be called out of line
// (vectors are no argument types of the IR).
#pragma once

#include "inference/types.h"

namespace inference {

using F32x4 = float __attribute__((vector_size(16)));
using F32x16 = float __attribute__((vector_size(64)));
using I32x4 = i32 __attribute__((vector_size(16)));
using U32x4 = u32 __attribute__((vector_size(16)));
using I32x16 = i32 __attribute__((vector_size(64)));
using U32x16 = u32 __attribute__((vector_size(64)));
using I16x16 = i16 __attribute__((vector_size(32)));
using U16x16 = u16 __attribute__((vector_size(32)));
using I16x32 = i16 __attribute__((vector_size(64)));
using U16x32 = u16 __attribute__((vector_size(64)));
using I8x32 = i8 __attribute__((vector_size(32)));
using I8x16 = i8 __attribute__((vector_size(16)));
using U8x16 = u8 __attribute__((vector_size(16)));
using U8x64 = u8 __attribute__((vector_size(64)));

inline constexpr u64 kLanes = 16;  // floats of a whole vector

template <class V>
[[gnu::always_inline]] inline V load(const void* from) {
  V value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

template <class V>
[[gnu::always_inline]] inline void store(void* to, V value) {
  __builtin_memcpy(to, &value, sizeof value);
}

[[gnu::always_inline]] inline F32x16 splat(float x) {
  return F32x16{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

[[gnu::always_inline]] inline I32x16 splat(i32 x) {
  return I32x16{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

[[gnu::always_inline]] inline I32x16 as_ints(F32x16 x) {
  return __builtin_bit_cast(I32x16, x);
}
[[gnu::always_inline]] inline F32x16 as_floats(I32x16 x) {
  return __builtin_bit_cast(F32x16, x);
}

[[gnu::always_inline]] inline F32x16 to_floats(I32x16 x) {
  return __builtin_convertvector(x, F32x16);
}

[[gnu::always_inline]] inline F32x16 greater_of(F32x16 a, F32x16 b) {
  return a > b ? a : b;
}

[[gnu::always_inline]] inline F32x16 absolute(F32x16 x) {
  return __builtin_bit_cast(F32x16, __builtin_bit_cast(U32x16, x) & 0x7fffffffu);
}

// ---- Reductions: trees of shuffles, in one fixed order ---------------------------------------

template <int kStep, class V>
[[gnu::always_inline]] inline V rotate(V x) {
  constexpr int k = kStep;
  return __builtin_shufflevector(x, x, 0 + k, 1 + k, 2 + k, 3 + k, 4 + k, 5 + k, 6 + k, 7 + k,
                                 8 + k, 9 + k, 10 + k, 11 + k, 12 + k, 13 + k, 14 + k, 15 + k);
}

template <class V>
[[gnu::always_inline]] inline auto sum(V x) {
  x += rotate<8>(x);
  x += rotate<4>(x);
  x += rotate<2>(x);
  x += rotate<1>(x);
  return x[0];
}

[[gnu::always_inline]] inline float greatest(F32x16 x) {
  x = greater_of(x, rotate<8>(x));
  x = greater_of(x, rotate<4>(x));
  x = greater_of(x, rotate<2>(x));
  x = greater_of(x, rotate<1>(x));
  return x[0];
}

// Four vectors at once, at the price of little more than one; the tree is the same.
template <class V, class Join>
[[gnu::always_inline]] inline auto reduce_four(V a, V b, V c, V d, Join join) {
  // Halves of a and b side by side, then of c and d; then quarters of all four.
  const V ab = join(
      __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
      __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
  const V cd = join(
      __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23),
      __builtin_shufflevector(c, d, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31));
  V all = join(
      __builtin_shufflevector(ab, cd, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
      __builtin_shufflevector(ab, cd, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31));
  all = join(all, rotate<2>(all));
  all = join(all, rotate<1>(all));
  return __builtin_shufflevector(all, all, 0, 4, 8, 12);
}

template <class V>
[[gnu::always_inline]] inline auto sums(V a, V b, V c, V d) {
  return reduce_four(a, b, c, d,
                     [](V x, V y) __attribute__((always_inline)) { return x + y; });
}

[[gnu::always_inline]] inline F32x4 greatests(F32x16 a, F32x16 b, F32x16 c, F32x16 d) {
  return reduce_four(a, b, c, d,
                     [](F32x16 x, F32x16 y) __attribute__((always_inline)) { return greater_of(x, y); });
}

// One of four lanes in all of sixteen.
template <int kLane>
[[gnu::always_inline]] inline F32x16 splat_lane(F32x4 x) {
  constexpr int k = kLane;
  return __builtin_shufflevector(x, x, k, k, k, k, k, k, k, k, k, k, k, k, k, k, k, k);
}

}  // namespace inference
