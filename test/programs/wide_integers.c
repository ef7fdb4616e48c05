// 128-bit integers: arithmetic, shifts, division, comparisons, as arguments and results.
#include <stdio.h>

typedef __int128 i128;
typedef unsigned __int128 u128;

static void print(const char *what, u128 v) {
  printf("%s %016llx%016llx\n", what, (unsigned long long)(v >> 64), (unsigned long long)v);
}
__attribute__((noinline)) static u128 power(u128 base, unsigned n) {
  u128 r = 1;
  for (; n; n >>= 1, base *= base)
    if (n & 1) r *= base;
  return r;
}
__attribute__((noinline)) static i128 divide(i128 a, i128 b, i128 *rest) {
  *rest = a % b;
  return a / b;
}

int main(void) {
  u128 a = 1;
  i128 s = -1;
  for (int i = 1; i < 60; ++i) {
    a = power(a + (unsigned)i, 3) ^ a >> i % 97;
    s = s * 1000003 - i;
    i128 rest;
    const i128 q = divide(s, (i128)(a >> 64) | 1, &rest);
    print("a", a);
    print("q", (u128)q);
    print("r", (u128)rest);
    print("u", a / ((u128)i << i | 3));
    print("m", a % ((u128)i << i | 3));
    printf("%d %d %d\n", s < q, a > (u128)s, (int)(s >> 100));
    print("s", (u128)(s << i) ^ (u128)(s >> i));
  }
  long carry;
  printf("%d\n", __builtin_mul_overflow((long)(a >> 70), (long)a, &carry));
  return 0;
}
