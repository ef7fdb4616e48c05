#include "microjit/profile.h"

#include <algorithm>
#include <atomic>

#include "runtime/platform.h"

namespace bf::microjit {

namespace {

// Timing a call costs some two to three hundred ticks; a hundred times as many pass between two. On
// machines that are emulated it costs more, which is measured.
constexpr u64 kTimesItsCost = 100;
constexpr u64 kLeastBetween = 30'000;
std::atomic<u64> ticks_between{kLeastBetween};
constexpr u64 kMostCallsOfLeg = 1 << 14;
// Legs grow so fast at most: the first calls of a function are not like the later ones.
constexpr u64 kGrowth = 4;

// What is below 0 by chance.
u64 estimate(const u64& counter) {
  const u64 n = counted(counter);
  return static_cast<i64>(n) < 0 ? 0 : n;
}

u64 next_leg(Profile& p) {
  const u64 timed = counted(p.timed);
  const u64 between = ticks_between.load(std::memory_order_relaxed);
  const u64 own = timed == 0 ? between : estimate(p.self_cycles) / timed;
  u64 calls = own == 0 ? kMostCallsOfLeg : between / own;
  const u64 longest = counted(p.leg) * kGrowth;
  if (calls > longest) calls = longest;
  if (calls > kMostCallsOfLeg) calls = kMostCallsOfLeg;
  if (calls < 2) return 1;
  // Knuth's MMIX generator; its high bits are the random ones.
  const u64 random = counted(p.random) * 6364136223846793005 + 1442695040888963407;
  __atomic_store_n(&p.random, random, __ATOMIC_RELAXED);
  return calls / 2 + (random >> 33) % calls;
}

// Ticks that timing itself takes between its two readings of the clock, on average.
std::atomic<u64> ticks_of_timing{0};

void keep_less(u64& least, u64 n) {
  if (n < counted(least)) __atomic_store_n(&least, n, __ATOMIC_RELAXED);
}
void keep_more(u64& most, u64 n) {
  if (n > counted(most)) __atomic_store_n(&most, n, __ATOMIC_RELAXED);
}

}  // namespace

extern "C" void bf_time_nothing(Profile* profile);  // entries.cpp

constexpr usize kTries = 101;

static u64 median(u64 (&numbers)[kTries]) {
  u64* const middle = numbers + kTries / 2;
  std::nth_element(numbers, middle, numbers + kTries);
  return *middle;
}

void measure_timing() {
  if (ticks_of_timing.load(std::memory_order_relaxed) != 0) return;
  // The median: first times and interrupted ones are longer, and a clock that goes in steps of some
  // twenty ticks may show none at all.
  u64 times[kTries], costs[kTries];
  for (usize i = 0; i < kTries; ++i) {
    Profile nothing;
    const u64 start = platform::ticks();
    bf_time_nothing(&nothing);
    costs[i] = platform::ticks() - start;
    times[i] = nothing.cycles_max;
  }
  ticks_of_timing.store(median(times), std::memory_order_relaxed);
  ticks_between.store(std::max(kLeastBetween, kTimesItsCost * median(costs)),
                      std::memory_order_relaxed);
}

// Calls that no timed one stands for.
static u64 calls_not_timed(const Profile& p) {
  const u64 calls = calls_of(p), timed = counted(p.timed);
  return calls > timed ? calls - timed : 0;
}

u64 total_cycles_of(const Profile& p) {
  return estimate(p.cycles_total) + average_cycles_of(p) * calls_not_timed(p);
}
u64 self_cycles_of(const Profile& p) {
  const u64 timed = counted(p.timed), own = estimate(p.self_cycles);
  return timed == 0 ? own : own + own / timed * calls_not_timed(p);
}
u64 average_cycles_of(const Profile& p) {
  const u64 timed = counted(p.timed);
  return timed == 0 ? 0 : estimate(p.cycles_total) / timed;
}

void start_leg(Profile& p) {
  count(p.calls, counted(p.leg));
  const u64 calls = next_leg(p);
  __atomic_store_n(&p.leg, calls, __ATOMIC_RELAXED);
  __atomic_store_n(&p.countdown, static_cast<i64>(calls), __ATOMIC_RELAXED);
}

void start_timing(Profile& p, TimedCall& call) {
  call.profile = &p;
  // Where two cores use up a countdown together, the leg has ended with the first one's call.
  const bool ended = __atomic_load_n(&p.countdown, __ATOMIC_RELAXED) <= 0;
  call.stands_for = ended ? counted(p.leg) : 1;
  if (ended) start_leg(p);
  else count(p.calls, 1);
  u64& callees = platform::core_local().callee_cycles;
  call.callees_before = callees;
  callees = 0;
  call.start = platform::ticks();
}

void end_timing(TimedCall& call, u64 now) {
  const u64 cycles = now - call.start - ticks_of_timing.load(std::memory_order_relaxed);
  u64& callees = platform::core_local().callee_cycles;
  callees = call.callees_before + note_call(*call.profile, cycles, callees, call.stands_for);
}

// The callees of those calls that are not timed have told the caller of their cycles themselves, as
// far as they were: left to tell is what those calls took without them. So it is right on average,
// whatever part of whose calls is timed.
u64 note_call(Profile& p, u64 cycles, u64 callees, u64 calls) {
  // Of a long call that might stand for thousands, what its callees took is an estimate in its turn, and
  // what is left of it by chance would count thousands of times: it stands for itself alone.
  const u64 timed = counted(p.timed), self = cycles - callees;
  const bool long_one = cycles > ticks_between.load(std::memory_order_relaxed) && static_cast<i64>(cycles) > 0;
  const u64 stands_for = long_one ? 1 : calls;
  const u64 others = long_one && timed != 0 ? estimate(p.self_cycles) / timed : self;
  count(p.timed, stands_for);
  count(p.cycles_total, cycles * stands_for);
  count(p.self_cycles, self * stands_for);
  const u64 one = estimate(cycles);
  keep_less(p.cycles_min, one);
  keep_more(p.cycles_max, one);
  return cycles + others * (calls - 1);
}

}  // namespace bf::microjit
