// Collatz sequences and greatest common divisors: dependent integer arithmetic, remainders.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int steps(uint64_t n) {
  int count = 0;
  for (; n != 1; ++count) n = n % 2 ? 3 * n + 1 : n / 2;
  return count;
}

static unsigned gcd(unsigned a, unsigned b) {
  while (b) {
    const unsigned r = a % b;
    a = b;
    b = r;
  }
  return a;
}

int main(int argc, char** argv) {
  const int limit = argc > 1 ? atoi(argv[1]) : 2000000;
  int longest = 0, start = 0;
  uint64_t total = 0, divisors = 0;
  for (int i = 1; i < limit; ++i) {
    const int count = steps(i);
    total += count;
    if (count > longest) longest = count, start = i;
    if (i % 4 == 0) divisors += gcd(i, limit);
  }
  printf("%d takes %d steps, all %llu; divisors %llu\n", start, longest, (unsigned long long)total,
         (unsigned long long)divisors);
  return 0;
}
