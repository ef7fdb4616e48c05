// Heapsort of random doubles: loads that depend on compares.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t random_state = 12345;
static double next_random(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (double)(random_state >> 11) / 9007199254740992.0;
}

static void sift_down(double* a, int root, int end) {
  const double value = a[root];
  for (int child; (child = 2 * root + 1) < end; root = child) {
    if (child + 1 < end && a[child] < a[child + 1]) ++child;
    if (value >= a[child]) break;
    a[root] = a[child];
  }
  a[root] = value;
}

static void heapsort_doubles(double* a, int n) {
  for (int i = n / 2 - 1; i >= 0; --i) sift_down(a, i, n);
  for (int end = n - 1; end > 0; --end) {
    const double top = a[0];
    a[0] = a[end];
    a[end] = top;
    sift_down(a, 0, end);
  }
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 1500000;
  double* a = malloc(n * sizeof *a);
  for (int i = 0; i < n; ++i) a[i] = next_random();
  heapsort_doubles(a, n);
  int wrong = 0;
  for (int i = 1; i < n; ++i) wrong += a[i - 1] > a[i];
  printf("%d wrong, median %.12f\n", wrong, a[n / 2]);
  free(a);
  return 0;
}
