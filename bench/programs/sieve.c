// Sieve of Eratosthenes in bytes, again and again: strided stores.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 200000

static char composite[SIZE + 1];

static int sieve(int limit) {
  memset(composite, 0, limit + 1);
  for (int i = 2; i * i <= limit; ++i) {
    if (composite[i]) continue;
    for (int j = i * i; j <= limit; j += i) composite[j] = 1;
  }
  int count = 0;
  for (int i = 2; i <= limit; ++i) count += !composite[i];
  return count;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 1600;
  unsigned sum = 0;
  for (int i = 0; i < rounds; ++i) sum = sum * 31 + sieve(SIZE - i % 1000);
  printf("%d %u\n", sieve(SIZE), sum);
  return 0;
}
