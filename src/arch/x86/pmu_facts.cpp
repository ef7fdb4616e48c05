#include "arch/x86/pmu.h"

namespace bf {

namespace {

constexpr u32 kBits[] = {
#define BF_COUNTER_EVENT(name, text, bit, event, mask, period) bit,
#include "runtime/counters.def"
#undef BF_COUNTER_EVENT
};

}  // namespace

// EAX: version, counters for general use, their bits, and of how many events EBX speaks.
x86::pmu::Facts x86::pmu::decode(u32 eax, u32 ebx) {
  constexpr u32 kLeastVersion = 2, kLeastBits = 32;
  const u32 version = eax & 0xff, count = eax >> 8 & 0xff, bits = eax >> 16 & 0xff;
  const u32 events = eax >> 24;
  Facts facts;
  if (version < kLeastVersion || bits < kLeastBits) return facts;
  facts.counters = count;
  for (u32 i = 0; i < counters::kEvents; ++i)
    facts.has[i] = kBits[i] < events && (ebx >> kBits[i] & 1) == 0;
  return facts;
}

}  // namespace bf
