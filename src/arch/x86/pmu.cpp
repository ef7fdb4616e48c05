#include "arch/x86/pmu.h"

#include <atomic>

#include "arch/x86/apic.h"
#include "arch/x86/core.h"
#include "arch/x86/registers.h"
#include "runtime/platform.h"

namespace bf {

namespace x86::pmu {

namespace {

using counters::kEvents;

constexpr u32 kMsrCounter = 0xc1, kMsrSelect = 0x186;
constexpr u32 kMsrStatus = 0x38e, kMsrControl = 0x38f, kMsrClear = 0x390;
constexpr u64 kUser = 1 << 16, kSystem = 1 << 17, kInterrupt = 1 << 20, kEnabled = 1 << 22;

struct EventRow {
  u64 select;
  u64 period;
};
constexpr EventRow kRows[] = {
#define BF_COUNTER_EVENT(name, text, bit, event, mask, period) {event | (mask) << 8, period},
#include "runtime/counters.def"
#undef BF_COUNTER_EVENT
};

// Samples at a piece of code. Written by one core, in the handler; read by whoever reports.
struct Place {
  std::atomic<u64> piece;  // its address, in pieces; 0: free
  std::atomic<u32> samples[kEvents];
};
constexpr u64 kPieceBytes = 16;
constexpr u32 kPlaces = 2048, kMostTries = 16;
Place* places[kMostCores];
// Which event each counter counts.
u32 counter_event[kEvents];
u32 counters_used = 0;
bool counted[kEvents];

void add(std::atomic<u32>& number) {
  number.store(number.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void take_sample(Place* table, u32 event, u64 address) {
  const u64 piece = address / kPieceBytes;
  const u64 first = piece * 0x9e3779b97f4a7c15 >> 40;
  for (u32 i = 0; i < kMostTries; ++i) {
    Place& place = table[(first + i) % kPlaces];
    const u64 there = place.piece.load(std::memory_order_relaxed);
    if (there == 0) place.piece.store(piece, std::memory_order_release);
    if (there == 0 || there == piece) return add(place.samples[event]);
  }
}

void start_counter(u32 index) {
  write_msr(kMsrCounter + index, ~kRows[counter_event[index]].period + 1);
}

// On the first core: a counter for each event that there is.
void choose_counters() {
  if (cpuid(0).eax < 0xa) return;
  const Cpuid leaf = cpuid(0xa);
  const Facts facts = decode(leaf.eax, leaf.ebx);
  for (u32 event = 0; event < kEvents && counters_used < facts.counters; ++event) {
    if (!facts.has[event]) continue;
    counter_event[counters_used++] = event;
    counted[event] = true;
  }
}

}  // namespace

void start() {
  const u32 core = this_core().index;
  if (core == 0) choose_counters();
  if (counters_used == 0) return;
  places[core] = static_cast<Place*>(platform::allocate_pages(kPlaces * sizeof(Place)));
  if (places[core] == nullptr) return;
  apic::let_counters_interrupt();
  for (u32 i = 0; i < counters_used; ++i) {
    start_counter(i);
    write_msr(kMsrSelect + i,
              kRows[counter_event[i]].select | kUser | kSystem | kInterrupt | kEnabled);
  }
  write_msr(kMsrControl, (u64{1} << counters_used) - 1);
}

void on_overflow(u64 address) {
  Place* const table = places[this_core().index];
  const u64 status = read_msr(kMsrStatus);
  for (u32 i = 0; i < counters_used; ++i) {
    if ((status >> i & 1) == 0) continue;
    if (table != nullptr) take_sample(table, counter_event[i], address);
    start_counter(i);
  }
  write_msr(kMsrClear, status);
  apic::let_counters_interrupt();  // the interrupt has masked itself
}

}  // namespace x86::pmu

bool counters::is_counted(Event event) {
  return x86::pmu::counted[static_cast<u32>(event)];
}

u32 counters::samples(std::span<Sample> all) {
  using namespace x86::pmu;
  u32 count = 0;
  for (const Place* table : places)
    for (u32 i = 0; table != nullptr && i < kPlaces && count < all.size(); ++i) {
      const u64 piece = table[i].piece.load(std::memory_order_acquire);
      if (piece == 0) continue;
      Sample& sample = all[count++];
      sample.address = reinterpret_cast<const void*>(piece * kPieceBytes);
      for (u32 event = 0; event < kEvents; ++event)
        sample.events[event] =
            table[i].samples[event].load(std::memory_order_relaxed) * kRows[event].period;
    }
  return count;
}

}  // namespace bf
