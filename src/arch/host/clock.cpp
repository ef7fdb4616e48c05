#include <sys/random.h>
#include <time.h>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf {

namespace {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;
constexpr u64 kCalibrationNs = 5'000'000;

u64 monotonic_ns() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<u64>(now.tv_sec) * kNanosecondsPerSecond + static_cast<u64>(now.tv_nsec);
}

struct Start {
  u64 ns = monotonic_ns();
  u64 ticks = platform::ticks();
};
Start start;

// Ticks against the clock since the platform came up; waits only if that was a moment ago.
u64 measure_ticks_per_second() {
  u64 elapsed_ns, elapsed_ticks;
  do {
    elapsed_ns = monotonic_ns() - start.ns;
    elapsed_ticks = platform::ticks() - start.ticks;
  } while (elapsed_ns < kCalibrationNs);
  return static_cast<u64>(static_cast<double>(elapsed_ticks) * kNanosecondsPerSecond /
                          static_cast<double>(elapsed_ns));
}

}  // namespace

void host::start_clock() {
  start = Start();
}

u64 platform::ticks_per_second() {
  static const u64 measured = measure_ticks_per_second();
  return measured;
}

u64 platform::clock_ns() {
  return monotonic_ns() - start.ns;
}

u64 platform::wall_clock() {
  return static_cast<u64>(time(nullptr));
}

u64 platform::random_seed() {
  u64 seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = ticks();
  return seed;
}

}  // namespace bf
