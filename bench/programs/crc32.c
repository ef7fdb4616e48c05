// CRC-32 by bytes from a table, by bits, and Adler-32: chains of dependent loads.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t table[256];

static void make_table(void) {
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
    table[i] = c;
  }
}

static uint32_t crc(const unsigned char* p, size_t size) {
  uint32_t c = ~0u;
  for (size_t i = 0; i < size; ++i) c = table[(c ^ p[i]) & 255] ^ c >> 8;
  return ~c;
}

static uint32_t crc_by_bits(const unsigned char* p, size_t size) {
  uint32_t c = ~0u;
  for (size_t i = 0; i < size; ++i) {
    c ^= p[i];
    for (int k = 0; k < 8; ++k) c = c >> 1 ^ (0xedb88320u & -(c & 1));
  }
  return ~c;
}

static uint32_t adler(const unsigned char* p, size_t size) {
  uint32_t a = 1, b = 0;
  for (size_t i = 0; i < size; ++i) {
    a = (a + p[i]) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 100;
  const size_t size = 1 << 20;
  unsigned char* data = malloc(size);
  make_table();
  for (size_t i = 0; i < size; ++i) data[i] = (unsigned char)(i * 2654435761u >> 13);
  uint32_t sum = 0;
  for (int i = 0; i < rounds; ++i) {
    data[i] ^= 0x55;
    sum = sum * 31 + crc(data, size);
    sum ^= crc_by_bits(data + i, size / 64);
    sum += adler(data, size / 8);
  }
  printf("%08x %08x\n", crc(data, size), sum);
  free(data);
  return 0;
}
