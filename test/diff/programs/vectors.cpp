// Vectors of all sizes: arithmetic, comparisons and masks, shuffles, conversions, lanes.
#include "program.h"

template <class T, int N>
struct V {
  typedef T type __attribute__((ext_vector_type(N)));
};
template <class T, int N>
using vec = typename V<T, N>::type;
#define COMMA ,

template <class T, int N>
static vec<T, N> make(u64 seed) {
  vec<T, N> v;
  for (int i = 0; i < N; ++i) {
    seed = seed * 6364136223846793005 + 1442695040888963407;
    v[i] = static_cast<T>(static_cast<i64>(seed) >> 40);
  }
  return v;
}
template <class T>
static u64 lane_bits(T x) {
  if constexpr (sizeof(T) == 4 && static_cast<T>(0.5) != 0)
    return bits_of(static_cast<float>(x));
  else if constexpr (static_cast<T>(0.5) != 0)
    return bits_of(static_cast<double>(x));
  else
    return static_cast<u64>(x);
}
template <class T, int N>
static u64 fold(vec<T, N> v) {
  u64 h = 0;
  for (int i = 0; i < N; ++i) mix(h, lane_bits<T>(v[i]));
  return h;
}

template <class T, int N>
static u64 integers(u64 a, u64 b) {
  using W = vec<T, N>;
  const W x = make<T, N>(a), y = make<T, N>(b);
  u64 h = fold<T, N>(x + y);
  mix(h, fold<T, N>(x - y));
  mix(h, fold<T, N>(x * y));
  mix(h, fold<T, N>((x & y) | ~x));
  const W s = y & static_cast<T>(sizeof(T) * 8 - 1);
  mix(h, fold<T, N>(x << s));
  mix(h, fold<T, N>(x >> s));
  mix(h, fold<T, N>(x >> 2));
  mix(h, fold<T, N>(x > y ? x : y));
  mix(h, fold<T, N>(((x == y) & (x <= y)) ? x - y : y));
  mix(h, fold<T, N>(x / ((y & static_cast<T>(7)) + static_cast<T>(1))));
  mix(h, fold<T, N>(__builtin_elementwise_min(x, y)));
  mix(h, fold<T, N>(__builtin_elementwise_add_sat(x, y)));
  mix(h, fold<T, N>(x + static_cast<T>(a)));
  mix(h, static_cast<u64>(__builtin_reduce_add(x)));
  mix(h, static_cast<u64>(__builtin_reduce_xor(y)));
  mix(h, static_cast<u64>(__builtin_reduce_max(x)));
  mix(h, static_cast<u64>(__builtin_reduce_min(y)));
  mix(h, static_cast<u64>(__builtin_reduce_and(x | y)));
  mix(h, static_cast<u64>(x[a % N]));
  W z = x;
  z[b % N] = static_cast<T>(a);
  mix(h, fold<T, N>(z));
  return h;
}
template <class T, int N>
static u64 floats(u64 a, u64 b) {
  using W = vec<T, N>;
  const W x = make<T, N>(a) / static_cast<T>(64), y = make<T, N>(b);
  u64 h = fold<T, N>(x + y);
  mix(h, fold<T, N>(x * y - x));
  mix(h, fold<T, N>(x / y));
  mix(h, fold<T, N>(-x));
  mix(h, fold<T, N>(x < y ? x : y));
  mix(h, fold<T, N>(x != y ? x * static_cast<T>(a & 255) : y));
  mix(h, fold<T, N>(__builtin_elementwise_abs(x)));
  mix(h, fold<T, N>(__builtin_elementwise_floor(x)));
  mix(h, fold<T, N>(__builtin_elementwise_sqrt(__builtin_elementwise_abs(x))));
  mix(h, fold<T, N>(__builtin_elementwise_fma(x, y, x)));
  T sum = 0;
  for (int i = 0; i < N; ++i) sum += x[i];
  mix(h, lane_bits<T>(sum));
  mix(h, lane_bits<T>(__builtin_reduce_max(x)));
  return h;
}

#define INTEGERS(type, n)           \
  TEST(vector_##type##_##n) {       \
    return integers<type, n>(a, b); \
  }
INTEGERS(u8, 16)
INTEGERS(i8, 64)
INTEGERS(i8, 32)
INTEGERS(u16, 8)
INTEGERS(i16, 32)
INTEGERS(i32, 2)
INTEGERS(i32, 4)
INTEGERS(u32, 8)
INTEGERS(i32, 16)
INTEGERS(u64, 2)
INTEGERS(i64, 8)
INTEGERS(i32, 3)
INTEGERS(i16, 6)
INTEGERS(u8, 5)
INTEGERS(i32, 32)
INTEGERS(u64, 16)
INTEGERS(i8, 128)
TEST(vector_f32_4) {
  return floats<float, 4>(a, b);
}
TEST(vector_f32_16) {
  return floats<float, 16>(a, b);
}
TEST(vector_f32_3) {
  return floats<float, 3>(a, b);
}
TEST(vector_f32_2) {
  return floats<float, 2>(a, b);
}
TEST(vector_f32_32) {
  return floats<float, 32>(a, b);
}
TEST(vector_f64_8) {
  return floats<double, 8>(a, b);
}
TEST(vector_f64_4) {
  return floats<double, 4>(a, b);
}
TEST(vector_f64_16) {
  return floats<double, 16>(a, b);
}

template <class To, class From, int N>
static u64 converted(vec<From, N> v) {
  return fold<To, N>(__builtin_convertvector(v, vec<To, N>));
}
TEST(vector_conversions) {
  const auto bytes = make<i8, 16>(a);
  const auto words = make<i32, 16>(b);
  const auto halves = make<i16, 32>(a ^ b);
  u64 h = converted<i32, i8, 16>(bytes);
  mix(h, converted<i64, i8, 16>(bytes));
  mix(h, converted<float, i8, 16>(bytes));
  mix(h, converted<double, i32, 16>(words));
  mix(h, converted<i8, i32, 16>(words));
  mix(h, converted<float, i32, 16>(words));
  mix(h, converted<i32, i16, 32>(halves));
  mix(h, converted<i64, i16, 32>(halves));
  mix(h, converted<u64, u8, 64>(make<u8, 64>(a)));
  mix(h, converted<u8, u64, 64>(make<u64, 64>(b)));
  const auto f = make<float, 16>(a) / 8;
  mix(h, converted<i32, float, 16>(f));
  mix(h, converted<i16, float, 16>(f / 1024));
  mix(h, converted<double, float, 16>(f));
  mix(h, converted<float, double, 8>(make<double, 8>(b)));
  mix(h, converted<i64, double, 8>(make<double, 8>(b)));
  return h;
}

TEST(vector_shuffles) {
  const auto x = make<i32, 8>(a), y = make<i32, 8>(b);
  u64 h = fold<i32, 8>(__builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11));
  mix(h, fold<i32, 4>(__builtin_shufflevector(x, y, 7, 15, 3, 4)));
  mix(h, fold<i32, 16>(
             __builtin_shufflevector(x, y, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
  mix(h, fold<i32, 2>(__builtin_shufflevector(x, x, 6, 1)));
  mix(h, fold<i32, 3>(__builtin_shufflevector(x, y, 2, 9, 14)));
  mix(h, fold<i32, 8>(x.hi.lo.xyxyxyxy + y.even.xxyyzzww));
  const auto w = make<i32, 32>(a);
  mix(h, fold<i32, 8>(__builtin_shufflevector(w, w, 0, 9, 18, 27, 31, 22, 13, 4)));
  mix(h, fold<i32, 32>(__builtin_shufflevector(w, w, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20,
                                               19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6,
                                               5, 4, 3, 2, 1, 0)));
  const auto t = make<float, 3>(b);
  mix(h, fold<float, 3>(t.zxy));
  mix(h, fold<float, 4>(t.xyzz));
  return h;
}

TEST(vector_bits) {
  const auto x = make<i32, 4>(a);
  u64 h = fold<i8, 16>(__builtin_bit_cast(vec<i8 COMMA 16>, x));
  mix(h, fold<u64, 2>(__builtin_bit_cast(vec<u64 COMMA 2>, x)));
  mix(h, static_cast<u64>(__builtin_bit_cast(u128, x) >> 40));
  mix(h, __builtin_bit_cast(u64, make<u8, 8>(b)));
  return h;
}

using Mask16 = bool __attribute__((ext_vector_type(16)));
using Mask8 = bool __attribute__((ext_vector_type(8)));
using Mask4 = bool __attribute__((ext_vector_type(4)));
TEST(vector_masks) {
  const auto x = make<float, 16>(a), y = make<float, 16>(b);
  const auto i = make<i8, 16>(a), k = make<i8, 16>(b);
  const Mask16 m = __builtin_convertvector(x < y, Mask16);
  const Mask16 n = __builtin_convertvector(i < k, Mask16);
  u64 h = __builtin_bit_cast(u16, m);
  mix(h, __builtin_bit_cast(u16, n));
  mix(h, __builtin_bit_cast(u16, m & ~n));
  mix(h, __builtin_bit_cast(u16, m ^ n));
  mix(h, fold<i8, 16>(__builtin_convertvector(m | n, vec<i8 COMMA 16>)));
  mix(h, fold<i32, 16>(__builtin_convertvector(n, vec<i32 COMMA 16>)));
  mix(h, m[a & 15]);
  const Mask16 given = __builtin_bit_cast(Mask16, static_cast<u16>(a ^ b));
  mix(h, __builtin_reduce_and(given) + 2 * __builtin_reduce_or(given));
  const Mask8 eight = __builtin_bit_cast(Mask8, static_cast<u8>(b));
  mix(h, fold<u64, 8>(__builtin_convertvector(eight, vec<u64 COMMA 8>)));
  Mask4 four = __builtin_convertvector(make<i32, 4>(a) > make<i32, 4>(b), Mask4);
  four[1] = !four[1];
  mix(h, four[0] + 2 * four[1] + 4 * four[2] + 8 * four[3]);
  Mask16 turning = m;
  for (int r = 0; r < static_cast<int>(b & 3); ++r) turning = turning ^ (a & 1 ? n : given);
  mix(h, __builtin_bit_cast(u16, turning));
  return h;
}

NOINLINE static vec<float, 16> scaled(vec<float, 16> v, vec<i32, 4> w, float s) {
  return v * s + static_cast<float>(w.x - w.w);
}
NOINLINE static vec<i32, 2> small_pair(vec<i32, 2> v) {
  return v.yx + 1;
}
struct Lanes {
  vec<float, 4> a;
  vec<i8, 16> b;
  vec<float, 3> c;
};
static Lanes lanes[3];
TEST(vector_calls) {
  const auto v = scaled(make<float, 16>(a), make<i32, 4>(b), 0.25f);
  u64 h = fold<float, 16>(v);
  mix(h, fold<i32, 2>(small_pair(make<i32, 2>(b))));
  Lanes& l = lanes[a % 3];
  l.a += make<float, 4>(a);
  l.b ^= make<i8, 16>(b);
  l.c = l.c.yzx + 1;
  mix(h, fold<float, 4>(lanes[b % 3].a) ^ fold<i8, 16>(l.b) ^ fold<float, 3>(l.c));
  return h;
}

// Loops for the vectoriser.
static i32 ints[100];
static float reals[100];
static u8 octets[100];
TEST(vector_loops) {
  for (int i = 0; i < 100; ++i) {
    ints[i] = static_cast<i32>(a >> (i & 31)) + i;
    reals[i] = static_cast<float>(static_cast<i32>(b >> (i & 15)) & 0xffff);
    octets[i] = static_cast<u8>(a * i);
  }
  i64 sum = 0;
  i32 greatest = ints[0];
  for (int i = 0; i < static_cast<int>(b % 100) + 1; ++i) {
    sum += ints[i] > 0 ? ints[i] : octets[i];
    greatest = ints[i] > greatest ? ints[i] : greatest;
    if (reals[i] > 1000) reals[i] = reals[i] * 0.5f + static_cast<float>(octets[i]);
  }
  u64 h = static_cast<u64>(sum);
  mix(h, static_cast<u64>(greatest));
  u32 count = 0;
  for (const u8 o : octets) count += o == static_cast<u8>(b);
  mix(h, count);
  for (int i = 0; i < 50; ++i) ints[i] = ints[2 * i] ^ ints[2 * i + 1];
  for (const i32 x : ints) mix(h, static_cast<u64>(x));
  for (const float x : reals) mix(h, bits_of(x));
  return h;
}
