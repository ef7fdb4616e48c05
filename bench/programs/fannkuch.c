// Pancake flips over all permutations: small arrays, short loops, many branches.
#include <stdio.h>
#include <stdlib.h>

static int fannkuch(int n, int* checksum) {
  int source[16], flipped[16], count[16];
  int flips_max = 0, sum = 0, index = 0, r = n;
  for (int i = 0; i < n; ++i) source[i] = i;
  for (;;) {
    for (; r > 1; --r) count[r - 1] = r;
    if (source[0] != 0) {
      for (int i = 0; i < n; ++i) flipped[i] = source[i];
      int flips = 0;
      for (int first; (first = flipped[0]) != 0; ++flips) {
        for (int low = 0, high = first; low < high; ++low, --high) {
          const int t = flipped[low];
          flipped[low] = flipped[high];
          flipped[high] = t;
        }
      }
      if (flips > flips_max) flips_max = flips;
      sum += index % 2 == 0 ? flips : -flips;
    }
    for (;; ++r) {
      if (r == n) {
        *checksum = sum;
        return flips_max;
      }
      const int first = source[0];
      for (int i = 0; i < r; ++i) source[i] = source[i + 1];
      source[r] = first;
      if (--count[r] > 0) break;
    }
    ++index;
  }
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 10;
  int checksum = 0;
  const int flips = fannkuch(n, &checksum);
  printf("%d\nPfannkuchen(%d) = %d\n", checksum, n, flips);
  return 0;
}
