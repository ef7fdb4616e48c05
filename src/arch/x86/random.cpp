// Unpredictable numbers: RDRAND where there is one, the jitter between two clocks otherwise.
#include "arch/x86/port_io.h"
#include "runtime/platform.h"

namespace bf {

namespace {

// Intel SDM volume 1, 7.3.17: up to ten tries, the carry flag tells success.
bool hardware_random(u64& value) {
  for (int i = 0; i < 10; ++i) {
    bool good;
    asm volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
    if (good) return true;
  }
  return false;
}

// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
u64 mix(u64 x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

u64 clock_jitter() {
  u64 pool = platform::ticks();
  for (int i = 0; i < 64; ++i) {
    x86::in8(0x61);  // a slow bus cycle, whose length in processor ticks varies
    pool = mix(pool + platform::ticks());
  }
  return pool;
}

}  // namespace

u64 platform::random_seed() {
  u64 value;
  if (cpu_features().rdrand && hardware_random(value)) return value ^ mix(ticks());
  return clock_jitter();
}

}  // namespace bf
