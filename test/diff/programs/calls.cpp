// Calls: structures passed and returned in every way, pointers to functions, virtual functions,
// many and narrow arguments.
#include "program.h"

struct Pair {
  u64 x, y;
};
struct Mixed {
  double d;
  u64 n;
};
struct Floats2 {
  float x, y;
};
struct Floats4 {
  float x, y, z, w;
};
struct Small {
  u8 a;
  u16 b;
  i8 c;
};
struct Three {
  u64 x, y, z;
};
struct Big {
  u64 values[9];
  double d;
};

NOINLINE static Pair make_pair(u64 a, u64 b) {
  return {a + b, a ^ b};
}
NOINLINE static Mixed make_mixed(u64 a, double d) {
  return {d * 2, a + 1};
}
NOINLINE static Floats2 scale2(Floats2 f, float s) {
  return {f.x * s, f.y + s};
}
NOINLINE static Floats4 scale4(Floats4 f, Floats2 s) {
  return {f.x * s.x, f.y, f.z + s.y, f.w - 1};
}
NOINLINE static Small small(Small s, u8 k) {
  return {static_cast<u8>(s.a + k), static_cast<u16>(s.b * k), static_cast<i8>(-s.c)};
}
NOINLINE static Three three(Three t) {
  return {t.z, t.x + 1, t.y};
}
NOINLINE static Big big(Big b, int i) {
  b.values[i] += 7;
  b.d = -b.d;
  return b;
}

TEST(structures) {
  u64 h = 0;
  const Pair p = make_pair(a, b);
  mix(h, p.x);
  mix(h, p.y);
  const Mixed m = make_mixed(b, static_cast<double>(a & 0xffff));
  mix(h, bits_of(m.d));
  mix(h, m.n);
  const Floats2 f = scale2({static_cast<float>(a & 255), 2.5f}, static_cast<float>(b & 15));
  mix(h, bits_of(f.x));
  mix(h, bits_of(f.y));
  const Floats4 g = scale4({f.x, f.y, 3, 4}, f);
  mix(h, bits_of(g.x + g.y * g.z - g.w));
  const Small s = small({static_cast<u8>(a), static_cast<u16>(b), static_cast<i8>(a >> 8)}, 3);
  mix(h, s.a);
  mix(h, s.b);
  mix(h, static_cast<u64>(s.c));
  const Three t = three(three({a, b, 9}));
  mix(h, t.x * 3 + t.y * 5 + t.z);
  Big x{{a, b}, 1.5};
  const Big y = big(x, static_cast<int>(a % 9));
  mix(h, x.values[a % 9]);
  for (const u64 v : y.values) mix(h, v);
  mix(h, bits_of(y.d));
  return h;
}

using Operation = u64 (*)(u64, u64);
static u64 plus(u64 a, u64 b) {
  return a + b;
}
static u64 minus(u64 a, u64 b) {
  return a - b;
}
static u64 times(u64 a, u64 b) {
  return a * b;
}
static u64 apply(Operation f, u64 a, u64 b) {
  return f(b, a);
}
static const Operation operations[] = {plus, minus, times, nullptr, plus};
static Operation current = minus;
struct Entry {
  const char* name;
  Operation f;
  struct {
    int weight;
    Operation g;
  } inner[2];
};
static const Entry entries[] = {{"plus", plus, {{1, times}, {2, minus}}},
                                {"times", times, {{3, plus}, {4, nullptr}}}};
TEST(pointers) {
  u64 h = 0;
  if (const Operation f = operations[a % 5]) mix(h, f(a, b));
  mix(h, apply(current, a, b));
  current = a & 1 ? times : minus;
  const Entry& e = entries[b & 1];
  mix(h, e.name[a & 3]);
  mix(h, e.f(a, b));
  if (e.inner[a & 1].g) mix(h, e.inner[a & 1].g(a, h));
  mix(h, e.inner[b & 1].weight);
  mix(h, operations[0] == operations[4]);
  return h;
}

struct Shape {
  virtual u64 area() const = 0;
  virtual u64 edges() const { return 4; }
  u64 width = 3;
};
struct Square : Shape {
  u64 area() const override { return width * width; }
};
struct Circle : Shape {
  u64 area() const override { return width * 3; }
  u64 edges() const override { return 0; }
};
static Square square;
static Circle circle;
static Shape* const shapes[] = {&square, &circle, &square};
TEST(virtual_calls) {
  Shape& s = *shapes[a % 3];
  s.width = b;
  return s.area() * 10 + s.edges() + shapes[0]->area();
}

NOINLINE static u64 many(u8 a, i8 b, u16 c, i16 d, u32 e, i32 f, u64 g, i64 h, bool i, float j,
                         double k, u64 l, i8 m, float n, u16 o) {
  u64 r = a;
  mix(r, static_cast<u64>(b));
  mix(r, c);
  mix(r, static_cast<u64>(d));
  mix(r, e);
  mix(r, static_cast<u64>(f));
  mix(r, g);
  mix(r, static_cast<u64>(h));
  mix(r, i);
  mix(r, bits_of(j));
  mix(r, bits_of(k));
  mix(r, l);
  mix(r, static_cast<u64>(m));
  mix(r, bits_of(n));
  mix(r, o);
  return r;
}
NOINLINE static i8 narrow_result(u64 a) {
  return static_cast<i8>(a);
}
NOINLINE static bool bool_result(u64 a) {
  return a % 3 == 1;
}
NOINLINE static u16 short_result(u64 a) {
  return static_cast<u16>(a * 3);
}
TEST(many_arguments) {
  return many(a, b, a >> 3, b >> 5, a, b, a, b, a & 1, make_float(a & ~3ull),
              make_double(b & ~3ull), a ^ b, b >> 8, 1.5f, a >> 20) +
         static_cast<u64>(narrow_result(a)) + bool_result(b) + short_result(a);
}

template <class F>
static u64 twice(F f, u64 x) {
  return f(f(x));
}
TEST(lambdas) {
  u64 count = 0;
  const u64 r = twice(
      [&](u64 x) {
        ++count;
        return x * a + b;
      },
      b);
  return r ^ count;
}

extern "C" u64 import_mix(u32 a, i8 b, double c, const u64* p);
extern "C" void import_visit(u64 n, void (*visit)(void* context, u64 i), void* context);
TEST(imports) {
  u64 local = a * 7;
  u64 h =
      import_mix(static_cast<u32>(a), static_cast<i8>(b), static_cast<double>(b & 0xff), &local);
  import_visit(
      a & 7, [](void* context, u64 i) { mix(*static_cast<u64*>(context), i); }, &h);
  return h;
}
