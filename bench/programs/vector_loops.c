// Loops over arrays of floats and integers: some that clang vectorises, some that it leaves scalar.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct Arrays {
  int n;
  float *x, *y, *z;
  int32_t* i;
};

// The pointers may be loaded anew in every step: nothing says that the stores do not change them.
static void scale_and_add(struct Arrays* a, float f) {
  for (int k = 0; k < a->n; ++k) a->y[k] += f * a->x[k];
}

static void blend(const float* x, const float* y, float* out, int n) {
  for (int k = 0; k < n; ++k) out[k] = x[k] > y[k] ? x[k] - y[k] : 0.5f * y[k];
}

static float dot(const float* x, const float* y, int n) {
  float sum = 0;
  for (int k = 0; k < n; ++k) sum += x[k] * y[k];
  return sum;
}

static int find(const int32_t* x, int n, int32_t what) {
  for (int k = 0; k < n; ++k)
    if (x[k] == what) return k;
  return n;
}

static int64_t sum_of_squares(const int32_t* x, int n) {
  int64_t sum = 0;
  for (int k = 0; k < n; ++k) sum += (int64_t)x[k] * x[k];
  return sum;
}

static void smooth(const float* x, float* out, int n) {
  out[0] = x[0];
  out[n - 1] = x[n - 1];
  for (int k = 1; k + 1 < n; ++k) out[k] = 0.25f * x[k - 1] + 0.5f * x[k] + 0.25f * x[k + 1];
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 36000;
  struct Arrays a = {4000};
  a.x = malloc(a.n * sizeof(float));
  a.y = malloc(a.n * sizeof(float));
  a.z = malloc(a.n * sizeof(float));
  a.i = malloc(a.n * sizeof(int32_t));
  for (int k = 0; k < a.n; ++k) {
    a.x[k] = (float)(k % 17) * 0.25f;
    a.y[k] = (float)(k % 31) * 0.125f;
    a.i[k] = k * 7 % 4001;
  }
  double sum = 0;
  int64_t whole = 0;
  for (int round = 0; round < rounds; ++round) {
    scale_and_add(&a, round & 1 ? 0.5f : -0.5f);
    blend(a.x, a.y, a.z, a.n);
    smooth(a.z, a.y, a.n);
    sum += dot(a.y, a.z, a.n);
    a.i[round % a.n] ^= round;
    whole += find(a.i, a.n, round % 4001) + sum_of_squares(a.i, a.n);
  }
  printf("%.4f %lld\n", sum, (long long)whole);
  free(a.x);
  free(a.y);
  free(a.z);
  free(a.i);
  return 0;
}
