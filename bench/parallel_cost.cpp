// What sharing work with other cores costs, and brings: ticks and nanoseconds of an empty range, of
// small ones, and the speed of reading memory together. Built only when it is asked for:
//
//   ninja -C build bench/parallel-cost && build/bench/parallel-cost [THREADS [PAUSE_US]]
//
// PAUSE_US: how long the caller works by itself between two ranges (the workers wait meanwhile;
// from some 200 on they are asleep when the next one comes).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "arch/host/command_line.h"
#include "runtime/platform.h"
#include "runtime/workers.h"

namespace {

using namespace bf;

double nanoseconds(u64 ticks) {
  return static_cast<double>(ticks) * 1e9 / static_cast<double>(platform::ticks_per_second());
}

void work_alone(u64 microseconds) {
  const u64 end = platform::ticks() + microseconds * platform::ticks_per_second() / 1'000'000;
  while (platform::ticks() < end) __builtin_ia32_pause();
}

// Ticks that the body takes for each element.
void burn(void* context, u64 first, u64 last) {
  const u64 end = platform::ticks() + *static_cast<u64*>(context) * (last - first);
  while (platform::ticks() < end) {
  }
}

void measure_range(u32 elements, u64 element_ns, u64 pause_us) {
  constexpr int kTimes = 20'001;
  u64 ticks = element_ns * platform::ticks_per_second() / 1'000'000'000;
  std::vector<u64> times;
  const int count = pause_us > 100 ? kTimes / 20 : kTimes;
  for (int i = 0; i < count; ++i) {
    work_alone(pause_us);
    const u64 start = platform::ticks();
    workers::parallel_for(0, elements, 1, burn, &ticks);
    times.push_back(platform::ticks() - start);
  }
  std::sort(times.begin(), times.end());
  const auto quantile = [&](double q) {
    return nanoseconds(times[static_cast<usize>(q * static_cast<double>(times.size() - 1))]);
  };
  std::printf("%6u x %5lu ns: median %9.0f ns, least %9.0f, 9 of 10 %9.0f, alone %9lu\n", elements,
              element_ns, quantile(0.5), quantile(0), quantile(0.9), elements * element_ns);
}

struct Memory {
  const u64* words;
  u64 words_per_row;
  u64 sum;
};

void read_rows(void* context, u64 first, u64 last) {
  using Words [[gnu::vector_size(64)]] = u64;
  Memory& m = *static_cast<Memory*>(context);
  const auto* at = reinterpret_cast<const Words*>(m.words + first * m.words_per_row);
  const auto* end = reinterpret_cast<const Words*>(m.words + last * m.words_per_row);
  Words sums[4] = {};
  for (; at < end; at += 4)
    for (int i = 0; i < 4; ++i) sums[i] += at[i];
  u64 sum = 0;
  for (int i = 0; i < 8; ++i) sum += sums[0][i] + sums[1][i] + sums[2][i] + sums[3][i];
  __atomic_fetch_add(&m.sum, sum, __ATOMIC_RELAXED);
}

// Matrices of a model's size, one after the other, as a forward pass reads them.
void measure_reading() {
  constexpr usize kBytes = usize{512} << 20, kMatrix = usize{6} << 20, kRow = 18'432;
  auto* words = static_cast<u64*>(std::aligned_alloc(64, kBytes));
  for (usize i = 0; i < kBytes / 8; ++i) words[i] = i;
  u64 best = ~u64{0};
  for (int n = 0; n < 7; ++n) {
    const u64 start = platform::ticks();
    for (usize at = 0; at + kMatrix <= kBytes; at += kMatrix) {
      Memory memory = {words + at / 8, kRow / 8, 0};
      workers::parallel_for(0, kMatrix / kRow, 1, read_rows, &memory);
    }
    best = std::min(best, platform::ticks() - start);
  }
  std::printf("reading %zu MiB in matrices of %zu MiB: %.2f GB/s\n", kBytes >> 20, kMatrix >> 20,
              static_cast<double>(kBytes / kMatrix * (kMatrix / kRow * kRow)) / nanoseconds(best));
}

}  // namespace

int main(int count, char** words) {
  const std::string threads = "threads=" + std::string(count > 1 ? words[1] : "2");
  const u64 pause_us = count > 2 ? std::strtoull(words[2], nullptr, 10) : 0;
  const char* const arguments[] = {"parallel-cost", "--option", threads.c_str()};
  host::start(3, arguments);
  workers::share_all(true);
  std::printf("%u cores, %lu us between two ranges\n", workers::core_count(), pause_us);
  measure_range(2, 0, pause_us);
  measure_range(64, 0, pause_us);
  measure_range(64, 100, pause_us);
  measure_range(64, 1000, pause_us);
  measure_range(344, 1000, pause_us);
  measure_reading();
  const workers::Counts counts = workers::counts();
  std::printf("%lu ranges, %lu pieces, %lu of them stolen, %lu sleeps\n", counts.ranges,
              counts.pieces, counts.stolen, counts.sleeps);
}
