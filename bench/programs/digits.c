// Digits of pi and e with integers of thousands of words: carries, 64-bit products, divisions.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void divide(uint32_t* a, int words, uint32_t by) {
  uint64_t rest = 0;
  for (int i = 0; i < words; ++i) {
    rest = rest << 32 | a[i];
    a[i] = (uint32_t)(rest / by);
    rest %= by;
  }
}

static void add(uint32_t* a, const uint32_t* b, int words) {
  uint64_t carry = 0;
  for (int i = words - 1; i >= 0; --i) {
    carry += (uint64_t)a[i] + b[i];
    a[i] = (uint32_t)carry;
    carry >>= 32;
  }
}

static void subtract(uint32_t* a, const uint32_t* b, int words) {
  int64_t borrow = 0;
  for (int i = words - 1; i >= 0; --i) {
    borrow += (int64_t)a[i] - b[i];
    a[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
}

static uint32_t multiply(uint32_t* a, int words, uint32_t by) {
  uint64_t carry = 0;
  for (int i = words - 1; i >= 0; --i) {
    carry += (uint64_t)a[i] * by;
    a[i] = (uint32_t)carry;
    carry >>= 32;
  }
  return (uint32_t)carry;
}

static int is_zero(const uint32_t* a, int words) {
  for (int i = 0; i < words; ++i)
    if (a[i]) return 0;
  return 1;
}

// sum += sign * factor * arctan(1 / x), by its series.
static void arctan(uint32_t* sum, int factor, uint32_t x, int sign, int words) {
  uint32_t *power = calloc(words, sizeof *power), *term = malloc(words * sizeof *term);
  power[0] = factor;
  divide(power, words, x);
  for (uint32_t k = 1; !is_zero(power, words); k += 2, sign = -sign) {
    memcpy(term, power, words * sizeof *term);
    divide(term, words, k);
    if (sign > 0)
      add(sum, term, words);
    else
      subtract(sum, term, words);
    divide(power, words, x * x);
  }
  free(power);
  free(term);
}

static void print_digits(const char* name, uint32_t* number, int words, int digits) {
  uint32_t hash = 2166136261u;
  printf("%s = %u.", name, number[0]);
  for (int i = 0; i < digits; i += 8) {
    number[0] = 0;
    const uint32_t eight = (multiply(number, words, 100000000u), number[0]);
    if (i < 16) printf("%08u", eight);
    hash = (hash ^ eight) * 16777619u;
  }
  printf("... %08x\n", hash);
}

int main(int argc, char** argv) {
  const int digits = argc > 1 ? atoi(argv[1]) : 16000;
  const int words = (int)(digits * 0.10381) + 6;
  uint32_t *sum = calloc(words, sizeof *sum), *term = calloc(words, sizeof *term);
  arctan(sum, 16, 5, 1, words);
  arctan(sum, 4, 239, -1, words);
  print_digits("pi", sum, words, digits);
  memset(sum, 0, words * sizeof *sum);
  term[0] = 1;
  for (uint32_t k = 1; !is_zero(term, words); ++k) {
    add(sum, term, words);
    divide(term, words, k);
  }
  print_digits("e", sum, words, digits);
  free(sum);
  free(term);
  return 0;
}
