// Base64 there and back: bytes through two small tables.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static signed char values[256];

static size_t encode(const unsigned char* in, size_t size, char* out) {
  char* to = out;
  size_t i = 0;
  for (; i + 3 <= size; i += 3) {
    const uint32_t three = (uint32_t)in[i] << 16 | in[i + 1] << 8 | in[i + 2];
    *to++ = kLetters[three >> 18];
    *to++ = kLetters[three >> 12 & 63];
    *to++ = kLetters[three >> 6 & 63];
    *to++ = kLetters[three & 63];
  }
  if (i < size) {
    const uint32_t two = (uint32_t)in[i] << 16 | (i + 1 < size ? in[i + 1] << 8 : 0);
    *to++ = kLetters[two >> 18];
    *to++ = kLetters[two >> 12 & 63];
    *to++ = i + 1 < size ? kLetters[two >> 6 & 63] : '=';
    *to++ = '=';
  }
  return to - out;
}

static size_t decode(const char* in, size_t size, unsigned char* out) {
  unsigned char* to = out;
  for (size_t i = 0; i + 4 <= size; i += 4) {
    const int a = values[(unsigned char)in[i]], b = values[(unsigned char)in[i + 1]];
    const int c = values[(unsigned char)in[i + 2]], d = values[(unsigned char)in[i + 3]];
    if (a < 0 || b < 0) return 0;
    *to++ = a << 2 | b >> 4;
    if (c < 0) break;
    *to++ = b << 4 | c >> 2;
    if (d < 0) break;
    *to++ = c << 6 | d;
  }
  return to - out;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 240;
  const size_t size = (1 << 20) + 1;
  unsigned char *data = malloc(size), *back = malloc(size + 4);
  char* text = malloc(size * 2);
  memset(values, -1, sizeof values);
  for (int i = 0; i < 64; ++i) values[(unsigned char)kLetters[i]] = i;
  for (size_t i = 0; i < size; ++i) data[i] = (unsigned char)(i * i >> 5);
  uint32_t hash = 1;
  int wrong = 0;
  for (int i = 0; i < rounds; ++i) {
    data[i] ^= hash;
    const size_t length = encode(data, size - i % 3, text);
    const size_t back_size = decode(text, length, back);
    wrong += back_size != size - i % 3 || memcmp(data, back, back_size) != 0;
    hash = hash * 33 + text[length / 2 + i] + (unsigned)length;
  }
  printf("%08x, %d wrong\n", hash, wrong);
  free(data);
  free(back);
  free(text);
  return 0;
}
