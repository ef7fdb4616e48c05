#include "arch/x86/watchdog.h"

#include <charconv>

#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/io_apic.h"
#include "arch/x86/port_io.h"
#include "arch/x86/print.h"
#include "runtime/options.h"
#include "runtime/progress.h"

namespace bf::x86 {

namespace {

// Channel 0 of the 8254, at its slowest: 1,193,182 / 65,536 times a second.
constexpr u16 kChannel0 = 0x40, kCommand = 0x43;
constexpr u8 kRateGenerator = 0x34;  // channel 0, both bytes, mode 2
constexpr u32 kTimerLine = 0;
constexpr u64 kLooksIn100Seconds = 1821;
constexpr u32 kMostSeconds = 86'400;

u32 seconds = 0;
u64 patience = 0;  // in looks
u64 looks = 0;     // since there was progress
u32 last_progress = 0;
bool is_patient = false;
u32 all_looks = 0;

// The channel may not count at all (firmware can stop its clock).
bool looks_come() {
  constexpr u64 kLongest = 2'000'000'000;  // on a busy emulator, too; 55 ms each on a PC
  return wait_for(kLongest, [] { return __atomic_load_n(&all_looks, __ATOMIC_RELAXED) >= 2; });
}

}  // namespace

Result<void> start_watchdog() {
  const std::string_view text = options::find("watchdog").value_or("0");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds > kMostSeconds)
    return Error::format("watchdog=%.*s: use a number of seconds up to %u, or 0 for none",
                         static_cast<int>(text.size() < 40 ? text.size() : 40), text.data(),
                         kMostSeconds);
  if (seconds == 0) return {};
  patience = seconds * kLooksIn100Seconds / 100 + 1;
  if (!apic::is_on() || !io_apic::route_unmaskable(kTimerLine, apic::id())) {
    print("watchdog: there is none, because no timer can interrupt this machine\n");
    patience = 0;
    return {};
  }
  out8(kCommand, kRateGenerator);
  out8(kChannel0, 0);
  out8(kChannel0, 0);
  if (!looks_come()) {
    print("watchdog: there is none, because the machine's timer does not interrupt it\n");
    patience = 0;
    return {};
  }
  print("watchdog: %u s\n", seconds);
  return {};
}

void stop_watchdog() {
  is_patient = true;
}

Watched watchdog_looks() {
  if (patience == 0) return Watched::NotWatched;
  __atomic_store_n(&all_looks, all_looks + 1, __ATOMIC_RELAXED);
  const u32 now = progress.load(std::memory_order_relaxed);
  looks = now == last_progress ? looks + 1 : 0;
  last_progress = now;
  return is_patient || looks < patience ? Watched::Alive : Watched::Wedged;
}

u32 watchdog_seconds() {
  return seconds;
}

}  // namespace bf::x86
