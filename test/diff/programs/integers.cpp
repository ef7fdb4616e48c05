// Integer arithmetic of the usual widths, bit operations, overflow and saturation.
#include "program.h"

template <class T>
static u64 arithmetic(T x, T y) {
  u64 h = 0;
  mix(h, static_cast<u64>(static_cast<T>(x + y)));
  mix(h, static_cast<u64>(static_cast<T>(x - y)));
  mix(h, static_cast<u64>(static_cast<T>(static_cast<u64>(x) * static_cast<u64>(y))));
  mix(h, static_cast<u64>(x & y));
  mix(h, static_cast<u64>(x | y));
  mix(h, static_cast<u64>(x ^ y));
  mix(h, static_cast<u64>(static_cast<T>(~x)));
  const unsigned s = static_cast<unsigned>(y) % (sizeof(T) * 8);
  mix(h, static_cast<u64>(static_cast<T>(static_cast<u64>(x) << s)));
  mix(h, static_cast<u64>(static_cast<T>(x >> s)));
  mix(h, x < y);
  mix(h, x <= y);
  mix(h, x == y);
  return h;
}

template <class T>
static u64 division(T x, T y) {
  if (y == 0 || y == static_cast<T>(-1)) y = 3;
  u64 h = 0;
  mix(h, static_cast<u64>(static_cast<T>(x / y)));
  mix(h, static_cast<u64>(static_cast<T>(x % y)));
  mix(h, static_cast<u64>(static_cast<T>(x / 7)));
  mix(h, static_cast<u64>(static_cast<T>(x % 10)));
  mix(h, static_cast<u64>(static_cast<T>(x / 16)));
  mix(h, static_cast<u64>(static_cast<T>(x % 16)));
  return h;
}

TEST(arithmetic_unsigned) {
  u64 h = arithmetic<u8>(a, b);
  mix(h, arithmetic<u16>(a, b));
  mix(h, arithmetic<u32>(a, b));
  mix(h, arithmetic<u64>(a, b));
  return h;
}
TEST(arithmetic_signed) {
  u64 h = arithmetic<u8>(a, b);
  mix(h, arithmetic<i8>(a >> 1 & 0x3f, b & 0x3f));
  mix(h, arithmetic<i16>(a >> 3, b & 0x3fff));
  mix(h, static_cast<i32>(a) < static_cast<i32>(b));
  mix(h, static_cast<i64>(a) >= static_cast<i64>(b));
  mix(h, static_cast<u64>(static_cast<i8>(a)));
  mix(h, static_cast<u64>(static_cast<i16>(b)));
  mix(h, static_cast<u64>(static_cast<i32>(a)));
  return h;
}
TEST(division) {
  u64 h = division<u8>(a, b);
  mix(h, division<i8>(a, b));
  mix(h, division<u16>(a, b));
  mix(h, division<i16>(a, b));
  mix(h, division<u32>(a, b));
  mix(h, division<i32>(a, b));
  mix(h, division<u64>(a, b));
  mix(h, division<i64>(a, b));
  return h;
}
TEST(bits) {
  u64 h = 0;
  mix(h, __builtin_popcountll(a));
  mix(h, __builtin_popcount(b));
  mix(h, a ? __builtin_clzll(a) : 77);
  mix(h, a ? __builtin_ctzll(a) : 78);
  mix(h, static_cast<u32>(b) ? __builtin_clz(b) : 79);
  mix(h, static_cast<u32>(b) ? __builtin_ctz(b) : 80);
  mix(h, __builtin_bswap64(a));
  mix(h, __builtin_bswap32(a));
  mix(h, __builtin_bswap16(a));
  mix(h, __builtin_bitreverse64(a));
  mix(h, __builtin_bitreverse32(b));
  mix(h, __builtin_bitreverse16(b));
  mix(h, __builtin_bitreverse8(a));
  mix(h, __builtin_rotateleft64(a, b));
  mix(h, __builtin_rotateright64(a, b));
  mix(h, __builtin_rotateleft32(a, b));
  mix(h, __builtin_rotateright16(a, b));
  mix(h, __builtin_rotateleft8(a, b));
  mix(h, __builtin_parityll(a));
  mix(h, __builtin_ffsll(a));
  // Two words shifted as one: funnel shifts.
  const unsigned s = b % 63 + 1;
  mix(h, a << s | b >> (64 - s));
  mix(h, static_cast<u32>(a) << (s % 31 + 1) | static_cast<u32>(b) >> (32 - (s % 31 + 1)));
  return h;
}

template <class T>
static u64 overflow(T x, T y) {
  u64 h = 0;
  T r;
  mix(h, __builtin_add_overflow(x, y, &r));
  mix(h, static_cast<u64>(r));
  mix(h, __builtin_sub_overflow(x, y, &r));
  mix(h, static_cast<u64>(r));
  mix(h, __builtin_mul_overflow(x, y, &r));
  mix(h, static_cast<u64>(r));
  mix(h, static_cast<u64>(__builtin_elementwise_add_sat(x, y)));
  mix(h, static_cast<u64>(__builtin_elementwise_sub_sat(x, y)));
  mix(h, static_cast<u64>(__builtin_elementwise_min(x, y)));
  mix(h, static_cast<u64>(__builtin_elementwise_max(x, y)));
  return h;
}
TEST(overflow) {
  u64 h = overflow<u8>(a, b);
  mix(h, overflow<i8>(a, b));
  mix(h, overflow<u16>(a, b));
  mix(h, overflow<i16>(a, b));
  mix(h, overflow<u32>(a, b));
  mix(h, overflow<i32>(a, b));
  mix(h, overflow<u64>(a, b));
  mix(h, overflow<i64>(a, b));
  // Mixed types make odd widths.
  i32 narrow;
  mix(h, __builtin_add_overflow(static_cast<u32>(a), static_cast<i32>(b), &narrow));
  mix(h, static_cast<u64>(narrow));
  u16 tiny;
  mix(h, __builtin_mul_overflow(static_cast<i32>(a), static_cast<u16>(b), &tiny));
  mix(h, tiny);
  return h;
}
TEST(absolute) {
  const i64 x = static_cast<i64>(a), y = static_cast<i32>(b);
  u64 h = 0;
  mix(h, x < 0 ? -a : a);
  mix(h, static_cast<u64>(y < 0 ? -y : y));
  mix(h, x < y ? 1 : x > y ? 2 : 3);
  mix(h, static_cast<u64>(x < 0 ? -1 : x > 0));
  return h;
}
