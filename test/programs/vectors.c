// Loops that clang vectorises, and vectors written by hand.
#include <stdint.h>
#include <stdio.h>

typedef int v4 __attribute__((vector_size(16)));
typedef float f8 __attribute__((vector_size(32)));
enum { kCount = 333 };
static int a[kCount], b[kCount], c[kCount];
static uint8_t bytes[kCount];
static double d[kCount];
static float f[kCount];

__attribute__((noinline)) static v4 mixed(v4 x, v4 y) {
  const v4 larger = x > y;
  return (x & larger) | (y & ~larger) ^ __builtin_shufflevector(x, y, 3, 5, 0, 6);
}
int main(void) {
  for (int i = 0; i < kCount; ++i) {
    a[i] = i * i % 251 - 100;
    b[i] = i * 7 % 63;
    bytes[i] = (uint8_t)(i * 13);
    d[i] = i * 0.75;
    f[i] = (float)(kCount - i) / 3;
  }
  long sum = 0;
  int least = 1 << 30, most = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < kCount; ++i) c[i] = a[i] > b[i] ? a[i] - b[i] : (b[i] ^ a[i]) << (i & 3);
    for (int i = 0; i < kCount; ++i) sum += c[i] * (long)bytes[i];
    for (int i = 0; i < kCount; ++i) {
      if (c[i] < least) least = c[i];
      if (bytes[i] > most) most = bytes[i];
    }
    for (int i = 0; i < kCount; ++i) a[i] = (int16_t)(c[i] * 3 + round), bytes[i] = (uint8_t)(bytes[i] / 3 + 100);
    for (int i = 0; i < kCount; ++i) d[i] = d[i] * 0.5 + f[i], f[i] = (float)(d[i] - (float)a[kCount - 1 - i]);
    for (int i = 0; i < kCount; i += 3) b[i] += a[i] < 0;
  }
  printf("%ld %d %d %.17g %.9g\n", sum, least, most, d[200], f[100]);
  v4 x = {1, -2, 3, -4}, y = {5, 6, -7, 0};
  for (int i = 0; i < 50; ++i) x = mixed(x, y), y = y + x * 3;
  printf("%d %d %d %d\n", x[0], x[1], x[2], x[3]);
  f8 g = {1, 2, 3, 4, 5, 6, 7, 8}, h = g * 0.5f;
  for (int i = 0; i < 10; ++i) g = g * h - h / g;
  for (int i = 0; i < 8; ++i) printf("%.6g ", g[i]);
  puts("");
  return 0;
}
