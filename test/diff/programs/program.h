// For the programs in this folder: freestanding C++ that is compiled natively into the test and
// lowered to IR, and must give the same results both ways. Every exported `u64 test_*(u64, u64)` is
// run. State in globals stays from call to call, on both sides alike.
#pragma once

#include <stddef.h>
#include <stdint.h>

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;
using u128 = unsigned __int128;
using i128 = __int128;

#define TEST(name) extern "C" u64 test_##name(u64 a, u64 b)
#define NOINLINE __attribute__((noinline))

// Stirs a result in, so that one number tells all apart.
inline void mix(u64& hash, u64 value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15;
  hash ^= hash >> 29;
}

// The bits of a float; one pattern for all NaNs, whose payload is nobody's promise.
inline u64 bits_of(float x) {
  return x != x ? 0x7fc00000 : __builtin_bit_cast(u32, x);
}
inline u64 bits_of(double x) {
  return x != x ? 0x7ff8000000000000 : __builtin_bit_cast(u64, x);
}

// Floats of all kinds from any number: small integers, fractions, raw bits.
inline double make_double(u64 n) {
  switch (n & 3) {
    case 0:
      return static_cast<double>(static_cast<i64>(n) >> 40) / 16;
    case 1:
      return static_cast<double>(static_cast<i64>(n >> 2));
    case 2:
      return __builtin_bit_cast(double, n);
    default:
      return static_cast<double>(static_cast<i32>(n >> 8));
  }
}
inline float make_float(u64 n) {
  return static_cast<float>(make_double(n));
}
