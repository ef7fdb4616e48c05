// The engine above the tiers: slots, promotion by heat, imports, data, profiles.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "microjit/ir/text.h"
#include "microjit/microjit.h"
#include "runtime/options.h"

namespace {

using namespace bf;
using microjit::Engine;
using microjit::EngineOptions;
using microjit::Tier;
using microjit::TierPolicy;

constexpr const char* kProgram = R"(
import @add_one (i64) -> (i64)
data @cell writable align 8 size 8
data @link align 8 size 8 at 0 @cell + 4
func @leaf (i64) -> (i64) {
b0(%x: i64):
  %y: i64 = call_import @add_one(%x)
  ret %y
}
func @twice (i64) -> (i64) {
b0(%x: i64):
  %a: i64 = call @leaf(%x)
  %b: i64 = call @leaf(%a)
  ret %b
}
func @loop (i64) -> (i64) {
b0(%n: i64):
  br b1(i64 0)
b1(%i: i64):
  %j: i64 = add %i, i64 1
  %more: i1 = ult %j, %n
  br_if %more, b1(%j), b2
b2:
  ret %j
}
func @address () -> (ptr) {
b0:
  %p: ptr = func_addr @leaf
  ret %p
}
)";

u64 add_one(u64 x) { return x + 1; }

std::unique_ptr<Engine> make(EngineOptions options = {}) {
  options.log = false;
  options.code_bytes = 1 << 20;
  auto module = ir::parse_text(kProgram);
  INFO((module ? "" : module.error().message()));
  REQUIRE(module);
  const microjit::NamedAddress imports[] = {{"add_one", reinterpret_cast<const void*>(add_one)}};
  auto engine = Engine::create(std::move(*module), imports, options);
  REQUIRE(engine);
  return std::move(*engine);
}

microjit::FunctionState& state(Engine& engine, std::string_view name) {
  return *engine.functions()[static_cast<usize>(engine.module().find_function(name))];
}

TEST_CASE("a function is promoted at its tenth call, and its address stays good") {
  auto engine = make();
  auto* leaf = engine->function<u64(u64)>("leaf");
  for (u64 i = 0; i < 9; ++i) CHECK(leaf(i) == i + 1);
  CHECK(state(*engine, "leaf").tier == Tier::Interp);
  CHECK(leaf(9) == 10);
  CHECK(state(*engine, "leaf").tier.load() >= Tier::Baseline);
  CHECK(leaf(41) == 42);
  CHECK(engine->function<u64(u64)>("leaf") == leaf);
}

TEST_CASE("a loop is hot after a thousand rounds") {
  auto engine = make();
  auto* loop = engine->function<u64(u64)>("loop");
  CHECK(loop(5) == 5);
  CHECK(loop(2000) == 2000);
  CHECK(state(*engine, "loop").tier == Tier::Baseline);
}

TEST_CASE("the policy decides which tiers run") {
  auto interp = make({.policy = TierPolicy::Interp});
  auto* twice = interp->function<u64(u64)>("twice");
  for (u64 i = 0; i < 500; ++i) REQUIRE(twice(i) == i + 2);
  for (const auto& s : interp->functions()) CHECK(s->tier == Tier::Interp);

  auto baseline = make({.policy = TierPolicy::Baseline});
  for (const auto& s : baseline->functions()) CHECK(s->tier == Tier::Baseline);
  CHECK(baseline->function<u64(u64)>("twice")(1) == 3);
}

TEST_CASE("callees go their own way, whatever tier their callers are in") {
  for (const bool leaf_first : {false, true}) {
    auto engine = make();
    engine->promote(state(*engine, leaf_first ? "leaf" : "twice"), Tier::Baseline);
    CHECK(engine->function<u64(u64)>("twice")(40) == 42);
  }
}

TEST_CASE("addresses taken in the program are the engine's") {
  auto engine = make();
  const auto* address = engine->function<const void*()>("address")();
  CHECK(address == engine->address("leaf"));
  engine->promote(state(*engine, "leaf"), Tier::Baseline);
  CHECK(engine->function<const void*()>("address")() == address);
}

TEST_CASE("data is laid out, zeroed and linked") {
  auto engine = make();
  u64 link = 0;
  std::memcpy(&link, engine->data("link"), 8);
  CHECK(link == reinterpret_cast<u64>(engine->data("cell")) + 4);
  CHECK(*reinterpret_cast<u64*>(engine->data("cell")) == 0);
}

TEST_CASE("an import that is not there is an error with its name") {
  auto module = ir::parse_text(kProgram);
  REQUIRE(module);
  auto engine = Engine::create(std::move(*module), {}, {});
  REQUIRE_FALSE(engine);
  CHECK(std::string(engine.error().message()).find("'add_one'") != std::string::npos);
}

TEST_CASE("optimised code is timed only where a call takes long") {
  auto engine = make({.policy = TierPolicy::Auto});
  auto* twice = engine->function<u64(u64)>("twice");
  for (u64 i = 0; i < 100'000; ++i) twice(i);
  CHECK(state(*engine, "leaf").tier.load() > Tier::Baseline);
  CHECK(state(*engine, "leaf").profile.timed < 100'000);
}

TEST_CASE("calls and cycles are counted below the optimised tiers, and callees are told apart") {
  for (const TierPolicy policy : {TierPolicy::Interp, TierPolicy::Baseline}) {
    auto engine = make({.policy = policy});
    auto* twice = engine->function<u64(u64)>("twice");
    for (u64 i = 0; i < 100; ++i) twice(i);
    const auto& outer = state(*engine, "twice").profile;
    const auto& inner = state(*engine, "leaf").profile;
    CHECK(calls_of(outer) == 100);
    CHECK(calls_of(inner) == 200);
    CHECK(outer.cycles_min <= average_cycles_of(outer));
    CHECK(outer.cycles_max >= average_cycles_of(outer));
    CHECK(inner.self_cycles == inner.cycles_total);
    if (policy == TierPolicy::Baseline) continue;  // there, one is not like the other on average only
    CHECK(outer.self_cycles <= outer.cycles_total);
    CHECK(outer.cycles_total >= inner.cycles_total);
  }
}

TEST_CASE("a timed call stands for its leg, and legs get longer where calls are short") {
  microjit::Profile p;
  CHECK(calls_of(p) == 0);
  microjit::TimedCall call;
  p.countdown = 0;  // as compiled code leaves it
  start_timing(p, call);
  CHECK(call.stands_for == 1);
  CHECK(calls_of(p) == 1);
  end_timing(call, call.start + 1'000'000);
  p.countdown = 0;
  start_timing(p, call);
  CHECK(p.leg == 1);  // calls this long are timed one by one
  microjit::Profile brief;
  u64 calls = 0, longest = 0;
  for (int i = 0; i < 100; ++i) {
    calls += brief.leg;
    longest = std::max(longest, brief.leg);
    const u64 leg = brief.leg;
    brief.countdown = 0;
    start_leg(brief);
    CHECK(calls_of(brief) == calls);
    CHECK(microjit::note_call(brief, 100, 40, leg) == 100 + 60 * (leg - 1));
  }
  CHECK(longest > 200);
  CHECK(longest < 2'000);
  CHECK(average_cycles_of(brief) == 100);
  CHECK(self_cycles_of(brief) == 60 * calls);
  CHECK(total_cycles_of(brief) == 100 * calls);
}

TEST_CASE("calls that are timed have the arguments and results of those that are not") {
  constexpr const char* kMany = R"(
func @many (i64, i64, i64, i64, i64, i64, i64, i64, f64, i64) -> (i64, f64) export {
b0(%a: i64, %b: i64, %c: i64, %d: i64, %e: i64, %f: i64, %g: i64, %h: i64, %x: f64, %i: i64):
  %ab: i64 = sub %a, %b
  %cd: i64 = sub %c, %d
  %ef: i64 = sub %e, %f
  %gh: i64 = mul %g, %h
  %s1: i64 = mul %ab, %cd
  %s2: i64 = mul %s1, %ef
  %s3: i64 = add %s2, %gh
  %s4: i64 = xor %s3, %i
  %y: f64 = fadd %x, %x
  ret %s4, %y
}
)";
  auto module = ir::parse_text(kMany);
  REQUIRE(module);
  auto engine =
      Engine::create(std::move(*module), {}, {.policy = TierPolicy::Baseline, .log = false});
  REQUIRE(engine);
  struct Results {
    u64 integer;
    double number;
  };
  auto* many = (*engine)->function<Results(u64, u64, u64, u64, u64, u64, u64, u64, double, u64)>("many");
  for (u64 i = 0; i < 1000; ++i) {
    const Results r = many(i, 2, 3, i, 5, 6, 7, i, 0.25 * static_cast<double>(i), 9);
    REQUIRE(r.integer == (((i - 2) * (3 - i) * ~u64{0} + 7 * i) ^ 9));
    REQUIRE(r.number == 0.5 * static_cast<double>(i));
  }
  const microjit::Profile& p = (*engine)->functions()[0]->profile;
  CHECK(calls_of(p) == 1000);
  CHECK(p.timed > 0);
}

TEST_CASE("without the profiler nothing is counted") {
  auto engine = make({.policy = TierPolicy::Auto, .profile = false});
  auto* twice = engine->function<u64(u64)>("twice");
  for (u64 i = 0; i < 100; ++i) REQUIRE(twice(i) == i + 2);
  CHECK(state(*engine, "leaf").profile.timed == 0);
  CHECK(state(*engine, "leaf").tier.load() >= Tier::Baseline);  // heat needs no profile
}

TEST_CASE("a promotion that fails leaves the function as it is") {
  EngineOptions options;
  options.log = false;
  options.code_bytes = platform::kPageBytes;  // enough for the entries, not for a big function
  std::string text = "func @big (i64) -> (i64) {\nb0(%x0: i64):\n";
  for (int i = 0; i < 2000; ++i)
    text += "  %x" + std::to_string(i + 1) + ": i64 = mul %x" + std::to_string(i) + ", i64 3\n";
  text += "  ret %x2000\n}\n";
  auto module = ir::parse_text(text);
  REQUIRE(module);
  auto engine = Engine::create(std::move(*module), {}, options);
  REQUIRE(engine);
  auto* big = (*engine)->function<u64(u64)>("big");
  const u64 want = big(1);
  for (int i = 0; i < 50; ++i) REQUIRE(big(1) == want);
  CHECK(state(**engine, "big").tier == Tier::Interp);
}

TEST_CASE("the profile is text that a JSON reader takes") {
  auto engine = make();
  for (u64 i = 0; i < 20; ++i) engine->function<u64(u64)>("twice")(i);
  Text json;
  engine->write_profile(json);
  const std::string text(json.view());
  CHECK(text.find("\"name\": \"leaf\", \"tier\": \"baseline\", \"calls\": 40") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '{') == std::count(text.begin(), text.end(), '}'));
  Text table;
  engine->write_summary(table, 5);
  CHECK(std::string(table.view()).find("leaf") != std::string::npos);
}

TEST_CASE("code is found by its address") {
  auto engine = make({.policy = TierPolicy::Baseline});
  const auto* code = state(*engine, "loop").slot.load();
  CHECK(engine->describe(code) == "loop");
  CHECK(engine->describe(engine.get()).empty());
}

TEST_CASE("options: the last line of a key wins") {
  CHECK(options::find_in("a=1\nb=2\na=3\n", "a") == "3");
  CHECK(options::find_in("a=1\nb=", "b") == "");
  CHECK_FALSE(options::find_in("aa=1\nb=2", "a"));
  CHECK_FALSE(options::find_in("", "a"));
}

TEST_CASE("text grows and groups") {
  Text t;
  t.append_grouped(0);
  t.append(" ");
  t.append_grouped(1234567);
  t.append(" ");
  t.append_decimal(1999, 1000, 2);
  t.append_json("a\"b\\\n");
  CHECK(t.view() == "0 1,234,567 1.99\"a\\\"b\\\\\\u000a\"");
}

}  // namespace
