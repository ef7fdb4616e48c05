// When a function climbs: thresholds as text, countdowns, shares of cycles, cold functions.
#include <catch2/catch.hpp>

#include "microjit/microjit.h"
#include "microjit/ir/text.h"

namespace {

using namespace bf;
using namespace bf::microjit;

TEST_CASE("thresholds are ascending numbers of calls, the rest follows the last") {
  Thresholds t;
  CHECK(parse_thresholds("1,2,3,4", t));
  CHECK(t.calls[1] == 1);
  CHECK(t.calls[4] == 4);
  t = {};
  CHECK(parse_thresholds("20000", t));
  CHECK(t.calls[1] == 20'000);
  CHECK(t.calls[4] == 20'000);
  t = {};
  CHECK(parse_thresholds("5,50", t));
  CHECK(t.calls[2] == 50);
  CHECK(t.calls[3] == 1'000);
  for (const char* bad : {"", ",", "1,", "2,1", "x", "1,2,3,4,5", "-1", "99999999999999999999"}) {
    t = {};
    CHECK_FALSE(parse_thresholds(bad, t));
    CHECK(t.calls[1] == 10);
  }
}

TEST_CASE("a policy is auto or the name of a tier") {
  TierPolicy policy;
  CHECK(parse_tier_policy("auto", policy));
  CHECK(policy == TierPolicy::Auto);
  for (u8 tier = 0; tier < kTierCount; ++tier) {
    CHECK(parse_tier_policy(kTierNames[tier], policy));
    CHECK(policy == static_cast<TierPolicy>(tier));
    const Tier start = starting_tier(policy);
    CHECK((start == Tier::Interp || has_compiler(start)));
  }
  CHECK_FALSE(parse_tier_policy("fast", policy));
}

TEST_CASE("a countdown is the calls to the next tier, and cold functions have none") {
  ir::Function function;
  FunctionState state;
  state.function = &function;
  start_countdown(state, {});
  CHECK(state.heat == 10 * kCallHeat);
  CHECK(state.heat_slices == 1);
  state.failed_tiers = ~u32{0};
  start_countdown(state, {});
  CHECK(state.heat == kNeverHot);
  state.failed_tiers = 0;
  function.flags = ir::kCold;
  CHECK(next_tier(state) == Tier::Interp);
  start_countdown(state, {});
  CHECK(state.heat == kNeverHot);
}

TEST_CASE("a large share of the cycles is an eighth, of something that matters") {
  FunctionState state;
  state.profile.self_cycles = 50'000'000;
  CHECK(eats_cycles(state, 400'000'000));
  CHECK_FALSE(eats_cycles(state, 500'000'000));
  state.profile.self_cycles = 1000;
  CHECK_FALSE(eats_cycles(state, 1000));
}

std::unique_ptr<Engine> make(const char* text) {
  EngineOptions options;
  options.log = false;
  auto module = ir::parse_text(text);
  REQUIRE(module);
  auto engine = Engine::create(std::move(*module), {}, options);
  REQUIRE(engine);
  return std::move(*engine);
}

TEST_CASE("compiled code counts its calls too, and comes by the engine when the heat is used up") {
  auto engine = make("func @f (i64, f64, i64) -> (i64) {\nb0(%x: i64, %d: f64, %y: i64):\n"
                     "  %i: i64 = fptosi %d\n  %s: i64 = add %x, %i\n  %t: i64 = add %s, %y\n"
                     "  ret %t\n}\n");
  auto* f = engine->function<u64(u64, double, u64)>("f");
  FunctionState& state = *engine->functions()[0];
  REQUIRE(engine->promote(state, Tier::Baseline));
  state.heat = 10 * kCallHeat;
  for (i64 i = 9; i > 0; --i) {
    CHECK(f(30, 4.0, 8) == 42);
    CHECK(state.heat == i * kCallHeat);
  }
  CHECK(f(30, 4.0, 8) == 42);  // arguments survive the way into the engine
  CHECK(state.heat > 10 * kCallHeat);
}

TEST_CASE("cold functions stay in the interpreter") {
  auto engine = make("func @f (i64) -> (i64) cold {\nb0(%x: i64):\n  ret %x\n}\n");
  auto* f = engine->function<u64(u64)>("f");
  for (u64 i = 0; i < 1000; ++i) REQUIRE(f(i) == i);
  CHECK(engine->functions()[0]->tier == Tier::Interp);
}

}  // namespace
