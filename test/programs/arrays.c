// Arrays of variable length, pointers to them, alloca, many dimensions, pointer arithmetic.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long sum(int n, int m, const int a[n][m]) {
  long s = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < m; ++j) s += a[i][j] * (i - j);
  return s;
}
__attribute__((noinline)) static long square(int n) {
  int a[n][n + 1];
  for (int i = 0; i < n; ++i)
    for (int j = 0; j <= n; ++j) a[i][j] = i * 31 ^ j * 17;
  return sum(n, n + 1, a);
}
__attribute__((noinline)) static int digits(int n) {
  char *text = __builtin_alloca(n + 1);
  memset(text, '1', n);
  text[n] = 0;
  int total = 0;
  for (int i = 0; i < n; ++i) {
    char part[i + 1];
    memcpy(part, text, i);
    part[i] = 0;
    total += atoi(part + (i > 8 ? i - 8 : 0)) % 97;
  }
  return total;
}
int main(void) {
  for (int n = 1; n < 30; ++n) printf("%ld %d\n", square(n), digits(n));
  double cube[4][5][6], *flat = &cube[0][0][0];
  for (int i = 0; i < 120; ++i) flat[i] = i * 0.5;
  double (*plane)[6] = cube[2];
  printf("%g %g %td\n", plane[3][1], cube[3][4][5], &cube[3][0][0] - &cube[1][2][3]);
  return 0;
}
