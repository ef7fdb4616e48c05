#include "arch/x86/timers.h"

#include "arch/x86/memory.h"
#include "arch/x86/port_io.h"

namespace bf::x86 {

namespace {

// IA-PC HPET specification 1.0a, 2.3: registers, in words of 32 bits.
constexpr usize kHpetBytes = 0x400;
constexpr u32 kPeriod = 0x004 / 4, kConfiguration = 0x010 / 4, kCounter = 0x0f0 / 4;
constexpr u32 kEnable = 1, kLegacyLines = 2, kLongestPeriod = 100'000'000;  // in femtoseconds
constexpr u64 kFemtosecondsPerSecond = 1'000'000'000'000'000;
volatile u32* hpet = nullptr;

u64 start_hpet(u64 address) {
  if (address == 0) return 0;
  hpet = reinterpret_cast<volatile u32*>(map_device(address, kHpetBytes));
  if (hpet == nullptr) return 0;
  const u32 period = hpet[kPeriod];
  if (period == 0 || period > kLongestPeriod) return 0;
  // From 0 on, as it pleases nobody else: what is measured does not depend on when. It does not take the
  // lines of the 8254 and the clock, either.
  const u32 configuration = hpet[kConfiguration] & ~kLegacyLines;
  hpet[kConfiguration] = configuration & ~kEnable;
  hpet[kCounter] = 0;
  hpet[kCounter + 1] = 0;
  hpet[kConfiguration] = configuration | kEnable;
  return kFemtosecondsPerSecond / period;
}

constexpr u64 kPmTimerHertz = 3'579'545;  // ACPI specification 6.5, 4.8.3.3
u16 pm_timer_port = 0;

// Channel 2 of the 8254 counts down from 65,535; its gate hangs on bit 0 of port 0x61, the
// loudspeaker on bit 1.
constexpr u64 kPitHertz = 1'193'182;
constexpr u16 kPitChannel2 = 0x42, kPitCommand = 0x43, kPitGate = 0x61;

void start_pit() {
  out8(kPitGate, (in8(kPitGate) & 0xfc) | 1);
  out8(kPitCommand, 0xb0);  // channel 2, both bytes, mode 0
  out8(kPitChannel2, 0xff);
  out8(kPitChannel2, 0xff);
}

u32 read_pit() {
  out8(kPitCommand, 0x80);  // latch channel 2
  const u32 low = in8(kPitChannel2);
  return 0xffff - (low | u32{in8(kPitChannel2)} << 8);
}

}  // namespace

u32 start_timers(const acpi::Timers& found, Timer (&timers)[kMostTimers]) {
  u32 count = 0;
  if (const u64 hertz = start_hpet(found.hpet))
    timers[count++] = {"HPET", hertz, ~u32{0}, [] { return u32{hpet[kCounter]}; }};
  pm_timer_port = found.pm_timer_port;
  if (pm_timer_port != 0)
    timers[count++] = {"ACPI timer", kPmTimerHertz,
                       found.pm_timer_has_32_bits ? ~u32{0} : 0xffffff,
                       [] { return in32(pm_timer_port); }};
  start_pit();
  timers[count++] = {"PIT", kPitHertz, 0xffff, read_pit};
  return count;
}

}  // namespace bf::x86
