// What the processor itself counts, sampled: where the cycles, instructions and misses of a run are.
// Every so many events the core is interrupted, and the event is put down to the address it was at.
// Nothing is counted where the processor has no such counters, or the platform cannot use them.
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::counters {

enum class Event : u8 {
#define BF_COUNTER_EVENT(name, text, bit, event, mask, period) name,
#include "runtime/counters.def"
#undef BF_COUNTER_EVENT
};
inline constexpr u32 kEvents = 0
#define BF_COUNTER_EVENT(name, text, bit, event, mask, period) +1
#include "runtime/counters.def"
#undef BF_COUNTER_EVENT
    ;

// As profiles call it.
constexpr const char* name(Event event) {
  constexpr const char* kNames[] = {
#define BF_COUNTER_EVENT(name, text, bit, event, mask, period) text,
#include "runtime/counters.def"
#undef BF_COUNTER_EVENT
  };
  return kNames[static_cast<u32>(event)];
}

// Events that were seen in the few bytes at an address, estimated from the samples.
struct Sample {
  const void* address = nullptr;
  u64 events[kEvents] = {};
};

// Whether an event is counted at all.
bool is_counted(Event event);

// Fills in what all cores have seen so far, up to the room there is, an address once for each core;
// how many.
u32 samples(std::span<Sample> all);

}  // namespace bf::counters
