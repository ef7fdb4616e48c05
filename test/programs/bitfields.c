// Bit-fields, signed and unsigned, packed, straddling; unions over them.
#include <stdio.h>
#include <string.h>

struct flags {
  unsigned a : 1, b : 3;
  signed c : 5;
  unsigned long long d : 37;
  int : 0;
  signed char e : 2;
};
struct __attribute__((packed)) tight {
  unsigned x : 7;
  int y : 18;
  unsigned long long z : 39;
};
union view {
  struct tight t;
  unsigned char bytes[8];
  float f;
  double d;
};

__attribute__((noinline)) static void step(struct flags *f, int i) {
  f->a ^= 1;
  f->b += i;
  f->c -= i * 3;
  f->d = f->d * 5 + (unsigned)i;
  f->e = i;
}

int main(void) {
  struct flags f = {1, 5, -3, 1ull << 36, 1};
  for (int i = 0; i < 40; ++i) {
    step(&f, i);
    printf("%u %u %d %llu %d\n", f.a, f.b, f.c, (unsigned long long)f.d, f.e);
  }
  union view v;
  memset(&v, 0, sizeof v);
  for (int i = 0; i < 20; ++i) {
    v.t.x = i * 11;
    v.t.y = -i * 4000;
    v.t.z = 0x123456789ull * i;
    for (int b = 0; b < 8; ++b) printf("%02x", v.bytes[b]);
    printf(" %u %d %llu\n", v.t.x, v.t.y, (unsigned long long)v.t.z);
  }
  v.d = -1.5;
  printf("%02x%02x %d\n", v.bytes[7], v.bytes[6], (int)sizeof(struct flags));
  return 0;
}
