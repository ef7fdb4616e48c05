// Floating point: rounding, comparisons with NaN, conversions, the C library's functions, hex floats.
#include <float.h>
#include <math.h>
#include <stdio.h>

static volatile double zero = 0;
__attribute__((noinline)) static int compare(double a, double b) {
  return (a < b) | (a <= b) << 1 | (a == b) << 2 | (a != b) << 3 | (a > b) << 4 | (a >= b) << 5 |
         !(a < b) << 6 | !(a >= b) << 7;
}

// Which of two zeros and which of two NaNs is up to the code generator.
static void extremes(const volatile double *values, int count) {
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < count; ++j) {
      const double a = values[i], b = values[j];
      const float c = (float)a, d = (float)b;
      printf("%g %g %g %g", fmin(a, b), fmax(a, b), fminf(c, d), fmaxf(c, d));
      printf(" %g %g %g %g\n", fmin(a, 0.0), fmax(-0.0, b), fminf(c, (float)j - 10), fmax(a, 1.5));
    }
}

int main(void) {
  const double values[] = {0.0, -0.0, 1, -1.5, 1e300, -1e-310, DBL_MAX, DBL_MIN, INFINITY, -INFINITY,
                           NAN, 2147483647.5, -2147483649.0, 4294967295.9, 1e18};
  const int count = sizeof values / sizeof *values;
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < count; ++j) printf("%d%c", compare(values[i], values[j]), j + 1 < count ? ' ' : '\n');
  for (int i = 0; i < count; ++i) {
    const double v = values[i];
    const float f = (float)v;
    printf("%a %a %g %g %g %g %g\n", v, f, floor(v), ceil(v), trunc(v), rint(v), round(v));
    if (fabs(v) < 2e9) printf("%d %u %ld %d %d\n", (int)v, (unsigned)(long)v, (long)v, (short)v, (signed char)(int)v);
    printf("%d %d %d %d %g %g\n", isnan(v) != 0, isinf(v) != 0, signbit(v) != 0, fpclassify(v),
           fmin(v, 1), fmax(v, -1));
  }
  const double extreme[] = {0.0, -0.0, NAN, -NAN, 1};
  printf("%g %g\n", fmin(-0.0, 0.0), fmax(0.0, -0.0));
  extremes(extreme, sizeof extreme / sizeof *extreme);
  double sum = 0;
  float narrow = 0;
  for (int i = 1; i < 1000; ++i) {
    sum += sqrt(i) / sin(i) + pow(i, 0.3) - atan2(i, 7) + fma(i, 0.1, -3);
    narrow += 1.0f / (float)i;
    if (i % 100 == 0) printf("%.17g %.9g\n", sum, narrow);
  }
  unsigned long u = 0xfffffffffffffbffu;
  printf("%.17g %.17g %.9g\n", (double)u, (double)(long)u, (float)u);
  printf("%lu %g\n", (unsigned long)1.8e19, 1 / zero);
  return 0;
}
