// Fibonacci by naive recursion, and Ackermann: nothing but calls.
#include <stdio.h>
#include <stdlib.h>

static int fib(int n) {
  return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

static int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

int main(int argc, char** argv) {
  const int n = argc > 1 ? atoi(argv[1]) : 39;
  printf("fib(%d) = %d\n", n, fib(n));
  printf("ackermann(3, %d) = %d\n", n / 5, ackermann(3, n / 5));
  return 0;
}
