// The Mandelbrot set as a bitmap: a short chain of double multiplications with an unpredictable
// end.
#include <stdio.h>
#include <stdlib.h>

#define LIMIT 50

static int inside(double cr, double ci) {
  double zr = 0, zi = 0, rr = 0, ii = 0;
  for (int i = 0; i < LIMIT; ++i) {
    if (rr + ii > 4.0) return 0;
    zi = 2.0 * zr * zi + ci;
    zr = rr - ii + cr;
    rr = zr * zr;
    ii = zi * zi;
  }
  return rr + ii <= 4.0;
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 2000;
  unsigned hash = 2166136261u, count = 0;
  for (int y = 0; y < n; ++y) {
    const double ci = 2.0 * y / n - 1.0;
    unsigned bits = 0;
    for (int x = 0; x < n; ++x) {
      const int bit = inside(2.0 * x / n - 1.5, ci);
      count += bit;
      bits = bits << 1 | bit;
      if ((x & 7) == 7 || x == n - 1) {
        hash = (hash ^ (bits & 255)) * 16777619u;
        bits = 0;
      }
    }
  }
  printf("%u %08x\n", count, hash);
  return 0;
}
