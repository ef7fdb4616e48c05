// x86's floats of 80 bits, integers of 128 bits as floats, rounding and saturating conversions.
#include "program.h"

extern "C" {
int snprintf(char* to, size_t size, const char* format, ...);
long double strtold(const char* from, char** end);
long double sqrtl(long double);
long double powl(long double, long double);
}

static long double make(u64 n) {
  return static_cast<long double>(static_cast<i64>(n)) * 0.37L + static_cast<long double>(n >> 5);
}
static void mix_extended(u64& h, long double x) {
  struct {
    u64 fraction = 0;
    u64 exponent = 0;
  } bits;
  __builtin_memcpy(&bits, &x, 10);
  if (x != x) bits.fraction = 1, bits.exponent = 0x7fff;
  mix(h, bits.fraction);
  mix(h, bits.exponent);
}

TEST(extended_arithmetic) {
  const long double x = make(a), y = make(b);
  u64 h = 0;
  mix_extended(h, x + y);
  mix_extended(h, x - y);
  mix_extended(h, x * y);
  mix_extended(h, x / (y + 0.5L));
  mix_extended(h, -x);
  mix_extended(h, __builtin_fabsl(y - x));
  mix_extended(h, __builtin_copysignl(x, y - x));
  mix(h, (x < y) | (x <= y) << 1 | (x == y) << 2 | (x != y) << 3 | (x > y) << 4 | (x >= y) << 5);
  mix(h, __builtin_isnan(x / (y - y)) | __builtin_isinf(x / (y - y)) << 1 | __builtin_signbit(x) << 2);
  return h;
}
TEST(extended_conversions) {
  const long double x = make(a);
  u64 h = static_cast<u64>(static_cast<i64>(x / 4));
  mix(h, static_cast<u64>(__builtin_fabsl(x) / 2));
  mix(h, static_cast<u64>(static_cast<i32>(static_cast<i32>(b) * 0.5L)));
  mix(h, bits_of(static_cast<double>(x)));
  mix(h, bits_of(static_cast<float>(x)));
  mix_extended(h, make_double(b));
  mix_extended(h, make_float(b));
  mix_extended(h, static_cast<long double>(b));
  mix_extended(h, static_cast<i8>(a));
  mix_extended(h, static_cast<u16>(a));
  return h;
}
struct Mixed {
  char c;
  long double x;
  int i;
};
static long double table[3] = {1.5L, -2.25L, 1e300L * 1e300L};
NOINLINE static long double pass(int n, long double x, double d, Mixed m) {
  return x * n + d + m.x + m.i + m.c;
}
TEST(extended_memory) {
  u64 h = 0;
  table[a % 3] += static_cast<long double>(b % 1000);
  mix_extended(h, table[b % 3]);
  Mixed m{'x', make(a), static_cast<int>(b)};
  long double (*volatile through)(int, long double, double, Mixed) = pass;
  mix_extended(h, pass(3, make(b), 0.25, m));
  mix_extended(h, through(4, make(a), 1.25, m));
  mix(h, sizeof m);
  return h;
}
TEST(extended_library) {
  char text[200];
  u64 h = static_cast<u64>(snprintf(text, sizeof text, "%.20Lg %d %Lf %g", make(a), 7, make(b) / 3, 1.5));
  for (const char* p = text; *p; ++p) mix(h, static_cast<u8>(*p));
  mix_extended(h, strtold(text, nullptr));
  mix_extended(h, sqrtl(__builtin_fabsl(make(a))));
  mix_extended(h, powl(1.0001L, static_cast<long double>(b % 5000)));
  return h;
}

TEST(wide_floats) {
  const u128 w = u128{a} << 64 | b;
  u64 h = bits_of(static_cast<double>(w));
  mix(h, bits_of(static_cast<float>(w)));
  mix(h, bits_of(static_cast<double>(static_cast<i128>(w))));
  mix(h, bits_of(static_cast<float>(static_cast<i128>(w) >> 40)));
  const double d = static_cast<double>(static_cast<i64>(a)) * 12345678901.0;
  mix(h, static_cast<u64>(static_cast<i128>(d)));
  mix(h, static_cast<u64>(static_cast<i128>(d) >> 64));
  mix(h, static_cast<u64>(static_cast<u128>(d < 0 ? -d : d) >> 64));
  return h;
}
TEST(wide_overflows) {
  const i128 x = static_cast<i128>(u128{a} << 64 | b) >> (b % 120);
  const i128 y = static_cast<i128>(u128{b} << 64 | a) >> (a % 120);
  i128 r;
  u64 h = __builtin_mul_overflow(x, y, &r);
  mix(h, static_cast<u64>(r >> 64) ^ static_cast<u64>(r));
  u128 u;
  mix(h, __builtin_mul_overflow(static_cast<u128>(x), static_cast<u128>(y), &u));
  mix(h, __builtin_add_overflow(x, y, &r));
  mix(h, __builtin_sub_overflow(x, y, &r));
  mix(h, static_cast<u64>(r >> 64));
  mix(h, static_cast<u64>(__builtin_elementwise_add_sat(x, y) >> 64));
  mix(h, static_cast<u64>(__builtin_elementwise_sub_sat(x, y)));
  mix(h, static_cast<u64>(__builtin_elementwise_add_sat(static_cast<u128>(x), static_cast<u128>(y)) >> 64));
  mix(h, static_cast<u64>(__builtin_elementwise_sub_sat(static_cast<u128>(x), static_cast<u128>(y))));
  return h;
}
using Odd = signed _BitInt(93);
TEST(bit_int) {
  const Odd x = static_cast<Odd>(u128{a} * b), y = static_cast<Odd>(static_cast<i64>(b)) * 3;
  u64 h = static_cast<u64>(x * y);
  mix(h, static_cast<u64>((x + y) >> 40));
  mix(h, y != 0 ? static_cast<u64>(x / y) ^ static_cast<u64>(x % y) : 0);
  mix(h, bits_of(static_cast<double>(x)));
  mix(h, x < y);
  return h;
}
