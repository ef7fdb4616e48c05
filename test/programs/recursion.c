// Recursion: deep, mutual, with much on the stack, of functions that change their tier while they run.
#include <stdio.h>

static int odd(unsigned n);
__attribute__((noinline)) static int even(unsigned n) { return n == 0 ? 1 : odd(n - 1); }
__attribute__((noinline)) static int odd(unsigned n) { return n == 0 ? 0 : even(n - 1); }
__attribute__((noinline)) static unsigned ackermann(unsigned m, unsigned n) {
  return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}
__attribute__((noinline)) static long deep(long n, long *above) {
  volatile long here[4] = {n, *above, 0, 1};
  if (n == 0) return *above;
  here[2] = deep(n - 1, (long *)&here[0]);
  return here[2] + (here[0] & here[3]);
}
static void hanoi(int n, int a, int b, int c, long *moves) {
  if (n == 0) return;
  hanoi(n - 1, a, c, b, moves);
  *moves = *moves * 7 + a * 3 + b;
  hanoi(n - 1, c, b, a, moves);
}
int main(void) {
  long moves = 0, zero = 0;
  printf("%d %d %u\n", even(50000), odd(50000), ackermann(2, 60));
  printf("%ld\n", deep(40000, &zero));
  hanoi(12, 0, 1, 2, &moves);
  printf("%ld\n", moves);
  return 0;
}
