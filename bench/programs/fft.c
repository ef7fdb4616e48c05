// A fast Fourier transform in place, there and back: butterflies of doubles, sines from the
// library.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct Complex {
  double re, im;
};

static void fft(struct Complex* a, int n, const struct Complex* roots, int inverse) {
  for (int i = 1, j = 0; i < n; ++i) {
    int bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const struct Complex t = a[i];
      a[i] = a[j];
      a[j] = t;
    }
  }
  for (int half = 1; half < n; half *= 2) {
    const int stride = n / (2 * half);
    for (int start = 0; start < n; start += 2 * half) {
      for (int k = 0; k < half; ++k) {
        const struct Complex w = roots[k * stride], u = a[start + k], v = a[start + k + half];
        const double wi = inverse ? -w.im : w.im;
        const double re = v.re * w.re - v.im * wi, im = v.re * wi + v.im * w.re;
        a[start + k] = (struct Complex){u.re + re, u.im + im};
        a[start + k + half] = (struct Complex){u.re - re, u.im - im};
      }
    }
  }
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 500;
  const int n = 1 << 14;
  struct Complex *a = malloc(n * sizeof *a), *roots = malloc(n / 2 * sizeof *roots);
  for (int i = 0; i < n / 2; ++i)
    roots[i] =
        (struct Complex){cos(2 * 3.141592653589793 * i / n), sin(2 * 3.141592653589793 * i / n)};
  for (int i = 0; i < n; ++i) a[i] = (struct Complex){i % 13 - 6, i % 5 * 0.5};
  double energy = 0;
  for (int round = 0; round < rounds; ++round) {
    fft(a, n, roots, 0);
    energy += a[round].re * a[round].re + a[round].im * a[round].im;
    fft(a, n, roots, 1);
    for (int i = 0; i < n; ++i) {
      a[i].re /= n;
      a[i].im /= n;
    }
  }
  printf("%.3f %.6f %.6f\n", energy, a[1].re, a[n - 1].im);
  free(a);
  free(roots);
  return 0;
}
