// Vectors of 128-bit integers, switches on them, structures of odd bit fields that become vectors.
#include <stdio.h>

typedef unsigned __int128 u128;
typedef __int128 i128;
typedef u128 u128x2 __attribute__((vector_size(32)));
typedef i128 i128x4 __attribute__((vector_size(64)));
typedef unsigned long long u64x4 __attribute__((vector_size(32)));

static void print(const char *what, u128 v) {
  printf("%s %016llx%016llx\n", what, (unsigned long long)(v >> 64), (unsigned long long)v);
}
__attribute__((noinline)) static u128x2 twist(u128x2 a, u128x2 b, int n) {
  return n & 1 ? a * b + (a >> 7) : (a ^ b) - (b << n);
}
__attribute__((noinline)) static i128x4 largest(i128x4 a, i128x4 b) {
  const i128x4 greater = a > b;
  return (a & greater) | (b & ~greater);
}
__attribute__((noinline)) static int kind(u128 x) {
  switch (x) {
    case 0:
      return 1;
    case (u128)1 << 100:
      return 2;
    case ~(u128)0:
      return 3;
    case 17:
    case (u128)17 << 64:
      return 4;
    default:
      return 5;
  }
}
struct Odd {
  unsigned _BitInt(72) a, b, c, d;
};
__attribute__((noinline)) static int differ(struct Odd *x, const struct Odd *y) {
  int n = 0;
  n += (x->a & 65535) != 255, n += (x->b & 65535) != 255;
  n += (x->c & 65535) != 255, n += (x->d & 65535) != 255;
  x->a += y->a, x->b += y->b, x->c += y->c, x->d += y->d;
  return n;
}

int main(void) {
  u128x2 a = {1, (u128)3 << 90}, b = {(u128)7 << 63, 11};
  i128x4 s = {-1, 5, (i128)-1 << 80, 0};
  struct Odd x = {255, 1, 2, 255}, y = {(unsigned _BitInt(72))1 << 71, 254, 253, 65536};
  for (int i = 0; i < 20; ++i) {
    a = twist(a, b, i);
    b = twist(b, a, i + 3) | (u128x2){1, 2};
    s = largest(s * 3 - (i128)i, -s);
    const u64x4 words = (u64x4)a;
    printf("%llx %llx\n", words[1] ^ words[2], words[i & 3]);
    print("b", b[i & 1]);
    print("s", (u128)s[i & 3]);
    print("d", (a / (b | 1))[i & 1] + (a % (b | 1))[1]);
    printf("%d %d\n", differ(&x, &y), kind((u128)(i & 1 ? 17 : 1) << (i & 2 ? 64 : 100 * (i & 1))));
  }
  printf("%d %d %d\n", kind(0), kind(~(u128)0), kind((u128)1 << 100));
  return 0;
}
