// Integers: overflow, shifts, division of all widths, promotions, bit counting, saturation by hand.
#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#define WIDTH(type, name)                                                             \
  __attribute__((noinline)) static long long name(type a, type b) {                   \
    long long r = (type)(a + b) ^ (type)(a - b) * 3 ^ (type)(a * (unsigned long long)b); \
    if (b != 0 && !(b == (type)-1)) r += a / b * 5 + a % b;                            \
    r ^= (long long)(a < b) << 40 | (long long)(a <= b) << 41 | (long long)(a == b) << 42; \
    return r + (type)(a << (b & 7)) + (type)(a >> (b & 7));                            \
  }
WIDTH(int8_t, s8)
WIDTH(uint8_t, u8)
WIDTH(int16_t, s16)
WIDTH(uint16_t, u16)
WIDTH(uint32_t, u32)
WIDTH(uint64_t, u64)

static int saturate(int a, int b) {
  int r;
  return __builtin_add_overflow(a, b, &r) ? (a < 0 ? INT_MIN : INT_MAX) : r;
}
int main(void) {
  const uint64_t v[] = {0, 1, 2, 7, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
                        0xffffffff, INT64_MAX, 1ull << 63, UINT64_MAX, 0x123456789abcdef};
  const int n = sizeof v / sizeof *v;
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j)
      printf("%llx %llx %llx %llx %llx %llx %d\n", s8((int8_t)v[i], (int8_t)v[j]), u8((uint8_t)v[i], (uint8_t)v[j]),
             s16((int16_t)v[i], (int16_t)v[j]), u16((uint16_t)v[i], (uint16_t)v[j]),
             u32((uint32_t)v[i], (uint32_t)v[j]), u64(v[i], v[j]), saturate((int)v[i], (int)v[j]));
    printf("%d %d %llx %x\n", __builtin_popcountll(v[i]), v[i] ? __builtin_clzll(v[i]) + __builtin_ctzll(v[i]) : -1,
           (unsigned long long)__builtin_bswap64(v[i]), (unsigned)(v[i] << 5 | (v[i] & 0xffffffff) >> 27));
  }
  return 0;
}
