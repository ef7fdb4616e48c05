// Switches of every shape, loops with breaks and gotos, function pointer tables.
#include <stdio.h>

static int dense(int x) {
  switch (x) {
    case 0: return 10;
    case 1: return 7;
    case 2: x += 3;  // falls through
    case 3: return x * 2;
    case 4 ... 9: return -x;
    case 12: return 99;
    default: return 0;
  }
}
static int sparse(long x) {
  switch (x) {
    case -1000000000000: return 1;
    case -1: return 2;
    case 17: return 3;
    case 1 << 20: return 4;
    case 0x7fffffffffffffff: return 5;
  }
  return 6;
}
static int twice(int x) { return (int)(2u * (unsigned)x); }
static int negate(int x) { return (int)(0u - (unsigned)x); }
static int square(int x) { return (int)((unsigned)x * (unsigned)x); }
static int (*const table[])(int) = {twice, negate, square, dense};

int main(void) {
  for (int i = -3; i < 15; ++i) printf("%d ", dense(i));
  const long keys[] = {-1000000000000, -1, 17, 1 << 20, 0x7fffffffffffffff, 0, 18, -2};
  for (int i = 0; i < 8; ++i) printf("%d ", sparse(keys[i]));
  puts("");
  int x = 3;
  for (int i = 0; i < 200; ++i) {
    x = (table[(unsigned)(x ^ i) % 4](x) & 0xffffff) + i;
    if (x % 7 == 0) continue;
    if (x > 1 << 28) x = 5;
  }
  int i = 0, n = 0;
again:
  while (1) {
    if (++i % 3 == 0) goto again;
    do {
      if (i > 50) goto out;
      n += i;
    } while (n & 1);
  }
out:
  printf("%d %d %d\n", x, i, n);
  return n & 63;
}
