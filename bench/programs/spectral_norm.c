// The largest singular value of an infinite matrix, cut off: integer and double division in loops.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double entry(int i, int j) {
  return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

static void multiply(int n, const double* v, double* out) {
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (int j = 0; j < n; ++j) sum += entry(i, j) * v[j];
    out[i] = sum;
  }
}

static void multiply_transposed(int n, const double* v, double* out) {
  for (int i = 0; i < n; ++i) {
    double sum = 0;
    for (int j = 0; j < n; ++j) sum += entry(j, i) * v[j];
    out[i] = sum;
  }
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 2200;
  double *u = malloc(n * sizeof *u), *v = malloc(n * sizeof *v), *t = malloc(n * sizeof *t);
  for (int i = 0; i < n; ++i) u[i] = 1;
  for (int i = 0; i < 10; ++i) {
    multiply(n, u, t);
    multiply_transposed(n, t, v);
    multiply(n, v, t);
    multiply_transposed(n, t, u);
  }
  double uv = 0, vv = 0;
  for (int i = 0; i < n; ++i) {
    uv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  printf("%.9f\n", sqrt(uv / vv));
  free(u);
  free(v);
  free(t);
  return 0;
}
