// Sixteen floats, as a type that functions for different machines may hand on (a bare vector type
// would change how they are called).
//
//   BF_FOR_EACH_MACHINE void f(...) { Lanes x = ...; x = select(x < 0, -x, x); }
#pragma once

#include "runtime/base.h"

// Compiled for each kind of machine; the helpers below are inlined into it. Nothing is contracted
// to fused operations, so all give the same bits.
#define BF_FOR_EACH_MACHINE \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define BF_INLINE [[gnu::always_inline]] inline

namespace bf::gguf {

inline constexpr u32 kLanes = 16;

struct Mask {
  typedef i32 Vector __attribute__((vector_size(64)));
  Vector v;  // all bits of a lane, or none

  BF_INLINE friend Mask operator&(const Mask& a, const Mask& b) { return {a.v & b.v}; }
};

struct Lanes {
  typedef float Vector __attribute__((vector_size(64)));
  Vector v;

  BF_INLINE Lanes() : v{} {}
  BF_INLINE Lanes(float x) : v{x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x} {}
  struct Raw {
    Vector v;
  };
  BF_INLINE Lanes(const Raw& raw) : v(raw.v) {}

  BF_INLINE float operator[](u32 lane) const { return v[lane]; }
  BF_INLINE void set(u32 lane, float x) { v[lane] = x; }
  BF_INLINE Lanes operator-() const { return Raw{-v}; }
  BF_INLINE void operator+=(const Lanes& b) { v += b.v; }

  BF_INLINE friend Lanes operator+(const Lanes& a, const Lanes& b) { return Raw{a.v + b.v}; }
  BF_INLINE friend Lanes operator-(const Lanes& a, const Lanes& b) { return Raw{a.v - b.v}; }
  BF_INLINE friend Lanes operator*(const Lanes& a, const Lanes& b) { return Raw{a.v * b.v}; }
  BF_INLINE friend Lanes operator/(const Lanes& a, const Lanes& b) { return Raw{a.v / b.v}; }
  BF_INLINE friend Mask operator<(const Lanes& a, const Lanes& b) { return {a.v < b.v}; }
  BF_INLINE friend Mask operator>(const Lanes& a, const Lanes& b) { return {a.v > b.v}; }
  BF_INLINE friend Mask operator==(const Lanes& a, const Lanes& b) { return {a.v == b.v}; }
};

BF_INLINE Lanes select(const Mask& mask, const Lanes& yes, const Lanes& no) {
  return Lanes::Raw{mask.v ? yes.v : no.v};
}
BF_INLINE Lanes at_least(const Lanes& x, const Lanes& least) {
  return select(x < least, least, x);
}
BF_INLINE Lanes at_most(const Lanes& x, const Lanes& most) {
  return select(x > most, most, x);
}
BF_INLINE Lanes clamp(const Lanes& x, const Lanes& least, const Lanes& most) {
  return at_most(at_least(x, least), most);
}
BF_INLINE Lanes absolute(const Lanes& x) {
  return Lanes::Raw{__builtin_elementwise_abs(x.v)};
}
BF_INLINE Lanes square_root(const Lanes& x) {
  return Lanes::Raw{__builtin_elementwise_sqrt(x.v)};
}

// To the nearest integer, ties to even, for magnitudes below 2^22: beyond 1.5 * 2^23 a float has
// no fraction.
BF_INLINE Lanes nearest(const Lanes& x) {
  constexpr float kNoFraction = 12582912.0f;
  return x + kNoFraction - kNoFraction;
}

// Zero for zero.
BF_INLINE Lanes reciprocal(const Lanes& x) {
  return select(x == 0.0f, 0.0f, 1.0f / x);
}

}  // namespace bf::gguf
