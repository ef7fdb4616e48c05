#include "arch/x86/clock.h"

#include <atomic>

#include "arch/x86/port_io.h"
#include "arch/x86/registers.h"
#include "runtime/platform.h"

namespace bf {

namespace {

constexpr u64 kNanosecondsPerSecond = 1'000'000'000;
constexpr u64 kAssumedFrequency = 5'000'000'000;

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

// Channel 2 of the 8254 counts down from 65,535 at its fixed frequency; its gate hangs on bit 0 of
// port 0x61, the loudspeaker on bit 1.
constexpr u64 kPitFrequency = 1'193'182;
constexpr u16 kPitChannel2 = 0x42, kPitCommand = 0x43, kPitGate = 0x61;
constexpr u32 kMeasuredCounts = 1193;  // 1 ms

struct Sample {
  u64 ticks;
  u64 uncertainty;
  u32 count;
};

u32 read_pit() {
  x86::out8(kPitCommand, 0x80);  // latch channel 2
  const u32 low = x86::in8(kPitChannel2);
  return low | u32{x86::in8(kPitChannel2)} << 8;
}

// Both clocks at the same moment, the best of a few tries: an emulator may be interrupted between.
Sample sample_clocks() {
  Sample best = {0, ~u64{0}, 0};
  for (int i = 0; i < 5; ++i) {
    const u64 before = platform::ticks();
    const u32 count = read_pit();
    const u64 after = platform::ticks();
    if (after - before < best.uncertainty)
      best = {before + (after - before) / 2, after - before, count};
  }
  return best;
}

u64 frequency_from_pit() {
  x86::out8(kPitGate, (x86::in8(kPitGate) & 0xfc) | 1);
  x86::out8(kPitCommand, 0xb0);  // channel 2, both bytes, mode 0
  x86::out8(kPitChannel2, 0xff);
  x86::out8(kPitChannel2, 0xff);
  const Sample first = sample_clocks();
  // A PIT that does not count must not hang the machine.
  for (int i = 0; i < 100'000; ++i)
    if (first.count - read_pit() >= kMeasuredCounts) break;
  const Sample last = sample_clocks();
  const u32 counts = (first.count - last.count) & 0xffff;
  if (counts < kMeasuredCounts / 2 || last.ticks <= first.ticks) return 0;
  return (last.ticks - first.ticks) * kPitFrequency / counts;
}

}  // namespace

const char* x86::start_clock() {
  zero_ticks = platform::ticks();
  const char* source = "CPUID";
  u64 hertz = frequency_from_cpuid();
  if (hertz == 0) {
    source = "PIT";
    hertz = frequency_from_pit();
  }
  if (hertz < 1'000'000) {
    source = "assumed";
    hertz = kAssumedFrequency;
  }
  set_frequency(hertz);
  return source;
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
