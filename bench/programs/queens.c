// All ways to place queens, by arrays and by bits: backtracking.
#include <stdio.h>
#include <stdlib.h>

static int rows[32], up[64], down[64], column[32];

static int place(int n, int x) {
  if (x == n) return 1;
  int found = 0;
  for (int y = 0; y < n; ++y) {
    if (rows[y] || up[x + y] || down[x - y + n]) continue;
    rows[y] = up[x + y] = down[x - y + n] = 1;
    column[x] = y;
    found += place(n, x + 1);
    rows[y] = up[x + y] = down[x - y + n] = 0;
  }
  return found;
}

static int place_bits(unsigned all, unsigned taken, unsigned left, unsigned right) {
  if (taken == all) return 1;
  int found = 0;
  for (unsigned free = all & ~(taken | left | right); free;) {
    const unsigned bit = free & -free;
    free ^= bit;
    found += place_bits(all, taken | bit, (left | bit) << 1, (right | bit) >> 1);
  }
  return found;
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 13;
  printf("%d %d\n", place(n, 0), place_bits((1u << (n + 1)) - 1, 0, 0, 0));
  return 0;
}
