// Variadic functions in every direction: the C library's called, our own called from here, through
// pointers and by the C library's side; va_list handed on; structures among what is passed.
#include <stdarg.h>

#include "program.h"

extern "C" {
int snprintf(char* to, size_t size, const char* format, ...);
int vsnprintf(char* to, size_t size, const char* format, va_list arguments);
int sscanf(const char* from, const char* format, ...);
struct Division {
  int quotient, remainder;
};
struct LongDivision {
  long quotient, remainder;
};
Division div(int a, int b);
LongDivision ldiv(long a, long b);
}

namespace {

struct Big {
  u64 values[4];
  double d;
};
struct Odd {
  char bytes[37];
};
struct Huge {
  u32 words[150];
};
struct Pair {
  u64 x;
  double y;
};
struct alignas(16) Aligned {
  u64 x, y, z;
};

void mix_text(u64& h, const char* text) {
  for (; *text; ++text) mix(h, static_cast<u8>(*text));
}

}  // namespace

TEST(printing) {
  char text[400];
  u64 h = 0;
  const double d = static_cast<double>(static_cast<i64>(a) >> 20) / 1024;
  mix(h, static_cast<u64>(snprintf(text, sizeof text, "%d %s %c", static_cast<int>(a), "x", 'q')));
  mix_text(h, text);
  snprintf(text, sizeof text, "%.3f %e %g %d %llx %f %f %f %f %f %f %f %f %d %d %d %d %d", d, d * 3, d,
           static_cast<int>(b), static_cast<unsigned long long>(a), 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, d,
           8.5, 1, 2, static_cast<int>(b & 0xff), 4, 5);
  mix_text(h, text);
  snprintf(text, sizeof text, "plain");
  mix_text(h, text);
  float f = static_cast<float>(d);
  snprintf(text, sizeof text, "%*.*f|%-8hd|%hhu", 12, 3, static_cast<double>(f), static_cast<short>(a),
           static_cast<unsigned char>(b));
  mix_text(h, text);
  return h;
}

TEST(printing_through_a_pointer) {
  int (*const volatile print)(char*, size_t, const char*, ...) = snprintf;
  char text[100];
  u64 h = static_cast<u64>(print(text, sizeof text, "%lu/%.17g/%s", static_cast<unsigned long>(a),
                                 static_cast<double>(b), "end"));
  mix_text(h, text);
  return h;
}

TEST(scanning) {
  char text[64];
  snprintf(text, sizeof text, "%d %lf %x", static_cast<int>(a), static_cast<double>(b & 0xffff) / 8,
           static_cast<unsigned>(b));
  int n = 0;
  double d = 0;
  unsigned x = 0;
  u64 h = static_cast<u64>(sscanf(text, "%d %lf %x", &n, &d, &x));
  mix(h, static_cast<u64>(n));
  mix(h, bits_of(d));
  mix(h, x);
  return h;
}

// ---- Definitions -------------------------------------------------------------------------------

extern "C" NOINLINE u64 variadic_sum(int count, ...) {
  va_list list;
  va_start(list, count);
  u64 sum = 0;
  for (int i = 0; i < count; ++i) sum = sum * 3 + va_arg(list, u64);
  va_end(list);
  return sum;
}
TEST(sum) {
  return variadic_sum(2, a, b) ^ variadic_sum(0) ^ variadic_sum(9, a, b, a + 1, b + 2, a ^ b, u64{6}, b, a, u64{9});
}

// One letter of `kinds` per argument.
extern "C" NOINLINE u64 variadic_mixed(u64 h, double start, const char* kinds, ...) {
  va_list list, again;
  va_start(list, kinds);
  va_copy(again, list);
  mix(h, bits_of(start));
  for (int round = 0; round < 2; ++round) {
    va_list& from = round ? again : list;
    for (const char* k = kinds; *k; ++k) switch (*k) {
        case 'i':
          mix(h, static_cast<u64>(va_arg(from, int)));
          break;
        case 'l':
          mix(h, va_arg(from, u64));
          break;
        case 'd':
          mix(h, bits_of(va_arg(from, double)));
          break;
        case 'p': {
          const Pair p = va_arg(from, Pair);
          mix(h, p.x);
          mix(h, bits_of(p.y));
          break;
        }
        case 'b': {
          const Big p = va_arg(from, Big);
          for (const u64 v : p.values) mix(h, v);
          mix(h, bits_of(p.d));
          break;
        }
        case 'o': {
          const Odd p = va_arg(from, Odd);
          for (const char c : p.bytes) mix(h, static_cast<u8>(c));
          break;
        }
        case 'w':
          const u128 w = va_arg(from, u128);
          mix(h, static_cast<u64>(w));
          mix(h, static_cast<u64>(w >> 64));
          break;
      }
  }
  va_end(again);
  va_end(list);
  return h;
}
TEST(mixed) {
  const double d = static_cast<double>(static_cast<i64>(a) >> 12);
  Big big{{a, b, 3, 4}, d};
  Odd odd;
  for (u32 i = 0; i < 37; ++i) odd.bytes[i] = static_cast<char>(a >> (i & 63));
  u64 h = variadic_mixed(b, d, "ild", static_cast<int>(a), b, d);
  mix(h, variadic_mixed(a, 1.5, "ddddddddddd", d, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, d, d));
  mix(h, variadic_mixed(a, 1.5, "bilpodw", big, 7, b, Pair{a, d}, odd, d, u128{a} << 64 | b));
  // Not with one register left for a wide one: there clang itself disagrees with its va_arg.
  mix(h, variadic_mixed(a, 1.5, "llllwlw", a, b, a, b, u128{b} << 64 | a, b, u128{b}));
  mix(h, variadic_mixed(a, 1.5, ""));
  return h;
}

NOINLINE static int print_into(char* to, size_t size, const char* format, ...) {
  va_list list;
  va_start(list, format);
  const int n = vsnprintf(to, size, format, list);
  va_end(list);
  return n;
}
TEST(handed_on) {
  char text[300];
  const double d = static_cast<double>(b % 1000003) / 7;
  u64 h = static_cast<u64>(print_into(text, sizeof text, "%d %f %s %g %g %g %g %g %g %g %g %g %d %d %d %ld",
                                      static_cast<int>(a), d, "text", d, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0,
                                      8.0, 9.0, 1, 2, 3, static_cast<long>(b)));
  mix_text(h, text);
  return h;
}

// The host calls one of ours (or natively, itself) with variable arguments.
extern "C" u64 import_call_variadic(u64 (*f)(int, ...), u64 a, u64 b);
TEST(called_by_the_host) {
  return import_call_variadic(variadic_sum, a, b);
}

// ---- Structures by value, to and from the host -------------------------------------------------

TEST(host_division) {
  const int x = static_cast<int>(a & 0x7fffffff), y = static_cast<int>(b & 0x7ffffff) + 1;
  const Division d = div(x, y);
  const LongDivision l = ldiv(static_cast<long>(a >> 1), y);
  u64 h = static_cast<u64>(d.quotient);
  mix(h, static_cast<u64>(d.remainder));
  mix(h, static_cast<u64>(l.quotient));
  mix(h, static_cast<u64>(l.remainder));
  return h;
}

extern "C" {
u64 import_structures(Big big, u64 n, Odd odd, Pair pair, Aligned aligned, u128 wide, double d);
Big import_big(u64 a, double d);
u64 import_huge(int skipped, Huge huge, u64 a);
u64 import_take(u64 (*take)(Big, Pair, Aligned, int, u128), u64 a, u64 b);
}
NOINLINE static Huge make_huge(u64 a) {
  Huge huge;
  for (u32 i = 0; i < 150; ++i) huge.words[i] = static_cast<u32>(a * i);
  return huge;
}
TEST(structures_by_value) {
  const double d = static_cast<double>(static_cast<i64>(b) >> 9);
  Odd odd;
  for (u32 i = 0; i < 37; ++i) odd.bytes[i] = static_cast<char>(b >> (i & 63));
  u64 h = import_structures({{a, b, a + b, 1}, d}, a, odd, {b, d}, {a, b, 3}, u128{a} << 64 | b, d);
  const Big big = import_big(a, d);
  for (const u64 v : big.values) mix(h, v);
  mix(h, bits_of(big.d));
  mix(h, import_huge(1, make_huge(b), a));
  return h;
}
NOINLINE static u64 take(Big big, Pair pair, Aligned aligned, int i, u128 wide) {
  u64 h = static_cast<u64>(i);
  big.values[1] += 5;  // the copy is ours
  for (const u64 v : big.values) mix(h, v);
  mix(h, bits_of(big.d));
  mix(h, pair.x);
  mix(h, bits_of(pair.y));
  mix(h, aligned.x ^ aligned.y ^ aligned.z);
  mix(h, reinterpret_cast<uintptr_t>(&aligned) & 15);
  mix(h, static_cast<u64>(wide >> 3));
  return h;
}
TEST(taken_by_value) {
  return import_take(take, a, b) ^ take({{a, b, 1, 2}, 3}, {b, 1.5}, {1, a, b}, 7, u128{b} << 40);
}
// No register left for all of a u128: on the stack, and the next one takes the register.
extern "C" NOINLINE u64 wide_after_five(u64 a, u64 b, u64 c, u64 d, u64 e, u128 f, u64 g, u128 h) {
  return a + b * 3 + c * 5 + d * 7 + e * 11 + static_cast<u64>(f >> 64) * 13 + static_cast<u64>(f) * 17 +
         g * 19 + static_cast<u64>(h >> 64) * 23 + static_cast<u64>(h);
}
extern "C" u64 import_wide(u64 (*f)(u64, u64, u64, u64, u64, u128, u64, u128), u64 a, u64 b);
TEST(wide_arguments) {
  return import_wide(wide_after_five, a, b) ^
         wide_after_five(1, a, 2, b, 3, u128{a} * b, b, u128{b} << 64);
}
