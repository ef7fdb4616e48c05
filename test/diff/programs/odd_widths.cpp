// Integers that no machine has: _BitInt of odd widths, 128 bits and more, bit fields.
#include "program.h"

template <int N>
static u64 signed_odd(u64 a, u64 b) {
  using U = unsigned _BitInt(N);
  using S = _BitInt(N);
  U x = static_cast<U>(a), y = static_cast<U>(b);
  S p = static_cast<S>(x), q = static_cast<S>(y);
  u64 h = 0;
  mix(h, static_cast<u64>(static_cast<U>(x + y)));
  mix(h, static_cast<u64>(static_cast<U>(x - y)));
  mix(h, static_cast<u64>(static_cast<U>(x * y)));
  mix(h, static_cast<u64>(static_cast<U>(x ^ ~y)));
  const U s = y % N;
  mix(h, static_cast<u64>(static_cast<U>(x << s)));
  mix(h, static_cast<u64>(static_cast<U>(x >> s)));
  mix(h, static_cast<u64>(static_cast<S>(p >> s)));
  mix(h, x < y);
  mix(h, p < q);
  mix(h, p >= q);
  mix(h, x == y);
  const U d = y == 0 ? U(1) : y;
  mix(h, static_cast<u64>(static_cast<U>(x / d)));
  mix(h, static_cast<u64>(static_cast<U>(x % d)));
  const S e = q == 0 || q == -1 ? S(1) : q;
  mix(h, static_cast<u64>(static_cast<S>(p / e)));
  mix(h, static_cast<u64>(static_cast<S>(p % e)));
  mix(h, static_cast<u64>(static_cast<i64>(p)));
  mix(h, bits_of(static_cast<double>(p)));
  mix(h, bits_of(static_cast<float>(x)));
  S r;
  mix(h, __builtin_add_overflow(p, q, &r));
  mix(h, static_cast<u64>(r));
  mix(h, __builtin_mul_overflow(p, q, &r));
  mix(h, static_cast<u64>(r));
  U t;
  mix(h, __builtin_sub_overflow(x, y, &t));
  mix(h, static_cast<u64>(t));
  return h;
}

#define ODD(n)                  \
  TEST(odd_##n) {               \
    return signed_odd<n>(a, b); \
  }
ODD(3)
ODD(7)
ODD(9)
ODD(13)
ODD(17)
ODD(24)
ODD(31)
ODD(33)
ODD(40)
ODD(48)
ODD(57)
ODD(63)

template <class U, class S>
static u64 wide(U x, U y, unsigned bits) {
  u64 h = 0;
  const auto put = [&](U v) {
    mix(h, static_cast<u64>(v));
    mix(h, static_cast<u64>(v >> 64));
  };
  put(x + y);
  put(x - y);
  put(x * y);
  put(x & y);
  put(x | ~y);
  const unsigned s = static_cast<unsigned>(y) % bits;
  put(x << s);
  put(x >> s);
  put(static_cast<U>(static_cast<S>(x) >> s));
  put(x << 1);
  put(x >> 64);
  put(x << 70 % bits);
  put(static_cast<U>(static_cast<S>(x) >> 3));
  mix(h, x < y);
  mix(h, static_cast<S>(x) < static_cast<S>(y));
  mix(h, static_cast<S>(x) >= static_cast<S>(y));
  mix(h, x == y);
  mix(h, x <= y);
  put(static_cast<U>(-x));
  put(x > y ? x : y);
  return h;
}
static u128 make_wide(u64 a, u64 b) {
  return static_cast<u128>(a * 0x9e3779b97f4a7c15) << 64 | b;
}

TEST(wide_128) {
  return wide<u128, i128>(make_wide(a, b), make_wide(b, a ^ 5), 128);
}
TEST(wide_same) {
  return wide<u128, i128>(a, b, 128);
}
TEST(wide_96) {
  return wide<unsigned _BitInt(96), _BitInt(96)>(static_cast<unsigned _BitInt(96)>(make_wide(a, b)),
                                                 static_cast<unsigned _BitInt(96)>(make_wide(b, a)),
                                                 96);
}
TEST(wide_65) {
  return wide<unsigned _BitInt(65), _BitInt(65)>(static_cast<unsigned _BitInt(65)>(make_wide(a, b)),
                                                 static_cast<unsigned _BitInt(65)>(make_wide(b, a)),
                                                 65);
}
TEST(wide_division) {
  const u128 x = make_wide(a, b);
  u128 y = make_wide(b & 0xff, a);
  if (y == 0) y = 1;
  u64 h = 0;
  mix(h, static_cast<u64>(x / y));
  mix(h, static_cast<u64>(x % y));
  mix(h, static_cast<u64>(static_cast<i128>(x) / 1000));
  mix(h, static_cast<u64>(static_cast<i128>(x) % static_cast<i128>(y | 2)));
  return h;
}
TEST(wide_extension) {
  u64 h = 0;
  const i128 x = static_cast<i64>(a), y = static_cast<i8>(b);
  mix(h, static_cast<u64>((x * y) >> 64));
  mix(h, static_cast<u64>(x * y));
  mix(h, static_cast<u64>((static_cast<u128>(a) * b) >> 64));
  mix(h, static_cast<u64>((static_cast<i128>(static_cast<i64>(a)) * static_cast<i64>(b)) >> 64));
  u64 sum;
  mix(h, __builtin_add_overflow(a, b, &sum));
  u128 big;
  mix(h, __builtin_add_overflow(make_wide(a, b), make_wide(b, a), &big));
  mix(h, static_cast<u64>(big >> 64));
  mix(h, __builtin_sub_overflow(make_wide(a, b), make_wide(b, a), &big));
  mix(h, __builtin_mul_overflow(static_cast<u128>(a), make_wide(0, b), &big));
  mix(h, static_cast<u64>(big >> 64));
  i128 little;
  mix(h, __builtin_add_overflow(static_cast<i128>(make_wide(a, b)),
                                static_cast<i128>(make_wide(b, a)), &little));
  mix(h, __builtin_sub_overflow(static_cast<i128>(make_wide(a, b)),
                                static_cast<i128>(make_wide(b, a)), &little));
  return h;
}

NOINLINE static u128 wide_call(u128 x, u64 n, u128 y) {
  return n ? (x ^ n) + y : y;
}
static u128 wide_global;
TEST(wide_calls) {
  wide_global = wide_call(make_wide(a, b), b, wide_global + 1);
  return static_cast<u64>(wide_global >> 64) ^ static_cast<u64>(wide_global);
}

struct Fields {
  unsigned a : 3;
  int b : 11;
  unsigned c : 18;
  i64 d : 37;
  u64 e : 27;
  bool f : 1;
  signed char g : 5;
};
static Fields fields;
TEST(bit_fields) {
  fields.a += a;
  fields.b = static_cast<int>(b >> 2);
  fields.c ^= static_cast<unsigned>(a * 3);
  fields.d -= static_cast<i64>(b & 0xffffff);
  fields.e = a >> 5;
  fields.f = a & 1;
  fields.g = static_cast<signed char>(b);
  u64 h = fields.a;
  mix(h, static_cast<u64>(fields.b));
  mix(h, fields.c);
  mix(h, static_cast<u64>(fields.d));
  mix(h, fields.e);
  mix(h, fields.f);
  mix(h, static_cast<u64>(fields.g));
  return h;
}

struct __attribute__((packed)) Packed {
  u8 a;
  unsigned _BitInt(24) b;
  u32 c;
  unsigned _BitInt(40) d;
};
static Packed packed[4];
TEST(packed) {
  Packed& p = packed[a & 3];
  p.a = static_cast<u8>(b);
  p.b = static_cast<unsigned _BitInt(24)>(a);
  p.c += static_cast<u32>(b);
  p.d = static_cast<unsigned _BitInt(40)>(a ^ b);
  u64 h = 0;
  for (const Packed& q : packed) {
    mix(h, q.a);
    mix(h, static_cast<u64>(q.b));
    mix(h, q.c);
    mix(h, static_cast<u64>(q.d));
  }
  return h;
}
