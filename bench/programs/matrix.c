// Matrix product of doubles by rows and columns, as a textbook writes it.
#include <stdio.h>
#include <stdlib.h>

static double** make(int n, double scale) {
  double** rows = malloc(n * sizeof *rows);
  for (int i = 0; i < n; ++i) {
    rows[i] = malloc(n * sizeof **rows);
    for (int j = 0; j < n; ++j) rows[i][j] = scale * (i - j) * (i + j);
  }
  return rows;
}

static void drop(double** rows, int n) {
  for (int i = 0; i < n; ++i) free(rows[i]);
  free(rows);
}

static void multiply(double** c, double** a, double** b, int n) {
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = 0;
      for (int k = 0; k < n; ++k) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 650;
  double **a = make(n, 1.0 / n), **b = make(n, 2.0 / n), **c = make(n, 0);
  multiply(c, a, b, n);
  double trace = 0;
  for (int i = 0; i < n; ++i) trace += c[i][i];
  printf("%.3f %.3f\n", c[n / 2][n / 2], trace);
  drop(a, n);
  drop(b, n);
  drop(c, n);
  return 0;
}
