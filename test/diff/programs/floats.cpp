// Float arithmetic, comparisons, conversions; half precision.
#include "program.h"

template <class T>
static u64 arithmetic(T x, T y) {
  u64 h = 0;
  mix(h, bits_of(x + y));
  mix(h, bits_of(x - y));
  mix(h, bits_of(x * y));
  mix(h, bits_of(x / y));
  mix(h, bits_of(-x));
  mix(h, bits_of(x * y + x));
  mix(h, x < y);
  mix(h, x <= y);
  mix(h, x > y);
  mix(h, x >= y);
  mix(h, x == y);
  mix(h, x != y);
  mix(h, !(x < y));
  mix(h, !(x >= y));
  mix(h, __builtin_isunordered(x, y));
  mix(h, __builtin_islessgreater(x, y));
  mix(h, __builtin_isnan(x));
  mix(h, __builtin_isinf(y));
  mix(h, __builtin_isfinite(x));
  mix(h, __builtin_isnormal(y));
  mix(h, __builtin_signbit(x) != 0);
  mix(h, bits_of(x < y ? x : y));
  mix(h, bits_of(x > y ? x : y));
  return h;
}
TEST(float_arithmetic) {
  return arithmetic(make_float(a), make_float(b));
}
TEST(double_arithmetic) {
  return arithmetic(make_double(a), make_double(b));
}

TEST(float_functions) {
  const double x = make_double(a), y = make_double(b);
  const float f = make_float(a), g = make_float(b);
  u64 h = 0;
  mix(h, bits_of(__builtin_elementwise_sqrt(x < 0 ? -x : x)));
  mix(h, bits_of(__builtin_elementwise_sqrt(f < 0 ? -f : f)));
  mix(h, bits_of(__builtin_elementwise_floor(x)));
  mix(h, bits_of(__builtin_elementwise_ceil(f)));
  mix(h, bits_of(__builtin_elementwise_trunc(x)));
  mix(h, bits_of(__builtin_elementwise_rint(f)));
  mix(h, bits_of(__builtin_elementwise_roundeven(x)));
  mix(h, bits_of(__builtin_elementwise_round(x)));
  mix(h, bits_of(__builtin_elementwise_round(f)));
  mix(h, bits_of(__builtin_elementwise_nearbyint(x)));
  mix(h, bits_of(__builtin_elementwise_abs(x)));
  mix(h, bits_of(__builtin_elementwise_abs(g)));
  mix(h, bits_of(__builtin_elementwise_copysign(x, y)));
  mix(h, bits_of(__builtin_elementwise_copysign(f, g)));
  mix(h, bits_of(__builtin_elementwise_fma(x, y, x)));
  mix(h, bits_of(__builtin_elementwise_fma(f, g, 1.5f)));
  if (x != 0 || y != 0) {  // which zero is least is open
    mix(h, bits_of(__builtin_elementwise_min(x, y)));
    mix(h, bits_of(__builtin_elementwise_max(x, y)));
  }
  return h;
}

// Only numbers that the target can hold.
template <class I>
static u64 to_integer(double x, double low, double high) {
  if (!(x > low && x < high)) return 1;
  return static_cast<u64>(static_cast<I>(x)) ^
         static_cast<u64>(static_cast<I>(static_cast<float>(x / 2)));
}
TEST(to_integers) {
  u64 h = 0;
  const double numbers[] = {make_double(a), make_double(b), static_cast<double>(a),
                            -static_cast<double>(b >> 40)};
  for (const double x : numbers) {
    mix(h, to_integer<i8>(x, -128, 127));
    mix(h, to_integer<u8>(x, -1, 255));
    mix(h, to_integer<i16>(x, -32768, 32767));
    mix(h, to_integer<u16>(x, -1, 65535));
    mix(h, to_integer<i32>(x, -2147483648.0, 2147483000.0));
    mix(h, to_integer<u32>(x, -1, 4294967000.0));
    mix(h, to_integer<i64>(x, -9.2e18, 9.2e18));
    mix(h, to_integer<u64>(x, -1, 1.8e19));
    mix(h, static_cast<u64>(to_integer<_BitInt(24)>(x, -8388608, 8388607)));
  }
  return h;
}
TEST(from_integers) {
  u64 h = 0;
  mix(h, bits_of(static_cast<float>(a)));
  mix(h, bits_of(static_cast<double>(a)));
  mix(h, bits_of(static_cast<float>(static_cast<i64>(b))));
  mix(h, bits_of(static_cast<double>(static_cast<i64>(b))));
  mix(h, bits_of(static_cast<float>(static_cast<u32>(a))));
  mix(h, bits_of(static_cast<double>(static_cast<u32>(a))));
  mix(h, bits_of(static_cast<float>(static_cast<i32>(b))));
  mix(h, bits_of(static_cast<double>(static_cast<i16>(b))));
  mix(h, bits_of(static_cast<float>(static_cast<u8>(b))));
  mix(h, bits_of(static_cast<float>(static_cast<i8>(a))));
  mix(h, bits_of(static_cast<double>(make_float(a))));
  mix(h, bits_of(static_cast<float>(make_double(b))));
  return h;
}

static u64 bits_of(_Float16 x) {
  return x != x ? 0x7e00 : __builtin_bit_cast(u16, x);
}
TEST(half) {
  const _Float16 x = __builtin_bit_cast(_Float16, static_cast<u16>(a));
  const _Float16 y = static_cast<_Float16>(make_float(b));
  u64 h = 0;
  mix(h, bits_of(static_cast<float>(x)));
  mix(h, bits_of(static_cast<_Float16>(x + y)));
  mix(h, bits_of(static_cast<_Float16>(x * y)));
  mix(h, bits_of(static_cast<_Float16>(x - 1)));
  mix(h, bits_of(static_cast<_Float16>(-x)));
  mix(h, x < y);
  mix(h, x == y);
  mix(h, bits_of(x > y ? x : y));
  mix(h, bits_of(static_cast<_Float16>(static_cast<i32>(b) >> 20)));
  mix(h, bits_of(static_cast<double>(x)));
  if (x > -30000 && x < 30000) mix(h, static_cast<u64>(static_cast<i64>(x)));
  return h;
}
NOINLINE static _Float16 half_call(_Float16 x, float y) {
  return static_cast<_Float16>(x + static_cast<_Float16>(y));
}
TEST(half_calls) {
  return bits_of(
      half_call(static_cast<_Float16>(static_cast<float>(a & 1023)), static_cast<float>(b & 255)));
}

TEST(newton) {
  double x = static_cast<double>(a % 1000) + 1, r = x;
  for (int i = 0; i < 20; ++i) r = (r + x / r) / 2;
  float s = 0;
  for (u64 i = 1; i < (b & 63) + 2; ++i) s += 1.0f / static_cast<float>(i * i);
  u64 h = bits_of(r);
  mix(h, bits_of(s));
  return h;
}
static const double coefficients[] = {1, -0.5, 1.0 / 3, -0.25, 0.2};
static float weights[4] = {0.5f, -1.25f, 3e38f, 1e-40f};
TEST(float_globals) {
  double x = static_cast<double>(a & 255) / 256, y = 0;
  for (const double c : coefficients) y = y * x + c;
  weights[b & 3] *= 0.75f;
  u64 h = bits_of(y);
  for (const float w : weights) mix(h, bits_of(w));
  return h;
}
