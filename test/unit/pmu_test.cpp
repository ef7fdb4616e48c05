#include "arch/x86/pmu.h"

#include <catch2/catch.hpp>
#include <string_view>

using namespace bf;
using counters::Event;

TEST_CASE("pmu: what CPUID says is there") {
  // Skylake: version 4, 4 counters of 48 bits, 7 events, all of them there.
  const auto all = x86::pmu::decode(0x07300404, 0);
  CHECK(all.counters == 4);
  for (const bool has : all.has) CHECK(has);

  // The same without cache misses (bit 4).
  const auto some = x86::pmu::decode(0x07300404, 1 << 4);
  CHECK(some.has[static_cast<u32>(Event::Cycles)]);
  CHECK_FALSE(some.has[static_cast<u32>(Event::CacheMisses)]);
  CHECK(some.has[static_cast<u32>(Event::BranchMisses)]);

  // One that speaks of two events only.
  const auto few = x86::pmu::decode(0x02300404, 0);
  CHECK(few.has[static_cast<u32>(Event::Instructions)]);
  CHECK_FALSE(few.has[static_cast<u32>(Event::BranchMisses)]);
}

TEST_CASE("pmu: none, in emulators, and the first version, which cannot tell who has overflowed") {
  CHECK(x86::pmu::decode(0, 0).counters == 0);
  CHECK(x86::pmu::decode(0x07300401, 0).counters == 0);
  CHECK(x86::pmu::decode(0x07100404, 0).counters == 0);
}

TEST_CASE("pmu: names of events are keys of profiles") {
  CHECK(counters::name(Event::CacheMisses) == std::string_view("cache_misses"));
}
