#include "arch/x86/clock.h"

#include <atomic>

#include "arch/x86/registers.h"
#include "arch/x86/timers.h"
#include "runtime/platform.h"

namespace bf {

namespace {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;
constexpr u64 kAssumedFrequency = 5'000'000'000;

x86::ClockReport report = {};
u64 frequency = kAssumedFrequency;
u64 zero_ticks = 0;
bool is_distrusted = false;
std::atomic<u64> last_given{0};
// clock_ns is ticks * kNanosecondsPerSecond / frequency, as a multiplication: 2^32 ns per tick.
u64 nanoseconds_per_tick_32 = (kNanosecondsPerSecond << 32) / kAssumedFrequency;

void set_frequency(u64 hertz) {
  frequency = hertz;
  nanoseconds_per_tick_32 = (kNanosecondsPerSecond << 32) / hertz;
}

u64 to_nanoseconds(u64 ticks) {
  return static_cast<u64>((static_cast<unsigned __int128>(ticks) * nanoseconds_per_tick_32) >> 32);
}

// Intel SDM volume 3, 19.7.3: crystal frequency times EBX/EAX of leaf 0x15.
u64 frequency_from_cpuid() {
  if (x86::cpuid(0).eax >= 0x15) {
    const auto r = x86::cpuid(0x15);
    if (r.eax != 0 && r.ebx != 0 && r.ecx != 0) return u64{r.ecx} * r.ebx / r.eax;
  }
  // The hypervisors' timing leaf (VMware, KVM): kHz in EAX.
  if (x86::under_hypervisor() && x86::cpuid(0x40000000).eax >= 0x40000010)
    return u64{x86::cpuid(0x40000010).eax} * 1000;
  return 0;
}

struct Sample {
  u64 ticks;
  u64 uncertainty;
  u32 count;
};

// Both clocks at the same moment, the best of a few tries: an emulator may be interrupted between.
Sample sample(const x86::Timer& timer) {
  Sample best = {0, ~u64{0}, 0};
  for (int i = 0; i < 5; ++i) {
    const u64 before = platform::ticks();
    const u32 count = timer.read();
    const u64 after = platform::ticks();
    if (after - before < best.uncertainty)
      best = {before + (after - before) / 2, after - before, count};
  }
  return best;
}

// The counter's frequency by each of the timers, over the same millisecond of the first one; 0 of one
// that does not count.
void measure(const x86::Timer* timers, u32 count, u64 (&hertz)[x86::kMostTimers]) {
  Sample first[x86::kMostTimers];
  for (u32 i = 0; i < count; ++i) first[i] = sample(timers[i]);
  const auto counts_at = [&](u32 i, u32 now) { return (now - first[i].count) & timers[i].mask; };
  for (int i = 0; i < 100'000; ++i)  // one that stands still must not hang the machine
    if (counts_at(0, timers[0].read()) >= timers[0].hertz / 1000) break;
  for (u32 i = 0; i < count; ++i) {
    const Sample last = sample(timers[i]);
    const u64 counts = counts_at(i, last.count), ticks = last.ticks - first[i].ticks;
    hertz[i] = counts < timers[i].hertz / 2000 ? 0 : ticks * timers[i].hertz / counts;
  }
}

bool agree(u64 a, u64 b) {
  constexpr u64 kTolerance = 100;  // a hundredth
  return (a > b ? a - b : b - a) <= (a > b ? a : b) / kTolerance;
}

// The counter runs at one speed whatever the processor does: CPUID 0x80000007 (Intel SDM volume 3,
// 18.17.1).
bool is_invariant() {
  return x86::cpuid(0x80000000).eax >= 0x80000007 && (x86::cpuid(0x80000007).edx >> 8 & 1) != 0;
}

struct Opinion {
  const char* source = nullptr;
  u64 hertz = 0;
};

// Those of CPUID and of the timers, in order of preference, up to two.
u32 ask(const x86::Timer* timers, u32 timer_count, Opinion (&opinions)[2]) {
  constexpr u64 kLeast = 1'000'000;
  u32 count = 0;
  if (const u64 hertz = frequency_from_cpuid(); hertz >= kLeast) opinions[count++] = {"CPUID", hertz};
  for (u64 hertz[x86::kMostTimers]; timer_count > 0; ++timers, --timer_count) {
    measure(timers, timer_count, hertz);
    if (hertz[0] < kLeast) continue;  // without the first one
    for (u32 i = 0; i < timer_count && count < 2; ++i)
      if (hertz[i] >= kLeast) opinions[count++] = {timers[i].name, hertz[i]};
    return count;
  }
  return count;
}

}  // namespace

x86::ClockReport x86::start_clock(const acpi::Timers& found) {
  zero_ticks = platform::ticks();
  Timer timers[kMostTimers];
  const u32 timer_count = start_timers(found, timers);
  Opinion opinions[2];
  u32 count = 0;
  constexpr int kTries = 4;  // an emulator that was not running for a while measures nonsense
  for (int i = 0; i < kTries; ++i) {
    count = ask(timers, timer_count, opinions);
    if (count < 2 || agree(opinions[0].hertz, opinions[1].hertz)) break;
  }
  if (count == 0) opinions[0] = {"assumed", kAssumedFrequency};
  set_frequency(opinions[0].hertz);
  report = {opinions[0].source, count < 2 ? nullptr : opinions[1].source, opinions[1].hertz,
            count < 2 || agree(opinions[0].hertz, opinions[1].hertz), is_invariant()};
  return report;
}

const x86::ClockReport& x86::clock_report() {
  return report;
}

x86::Deadline::Deadline(u64 nanoseconds)
    : start_ticks_(platform::ticks()), wait_ticks_(nanoseconds / 1000 * (frequency / 1'000'000)) {}

bool x86::Deadline::passed() const {
  return platform::ticks() - start_ticks_ >= wait_ticks_;
}

u64 platform::ticks_per_second() {
  return frequency;
}

void x86::distrust_clock() {
  is_distrusted = true;
}

u64 platform::clock_ns() {
  const u64 now = to_nanoseconds(platform::ticks() - zero_ticks);
  if (!is_distrusted) return now;
  u64 last = last_given.load(std::memory_order_relaxed);
  while (last < now && !last_given.compare_exchange_weak(last, now, std::memory_order_relaxed)) {
  }
  return last < now ? now : last;
}

}  // namespace bf
