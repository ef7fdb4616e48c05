// Compiling in slices, and beside: the program goes on meanwhile, and enters what is ready.
#include <catch2/catch.hpp>

#include "microjit/ir/text.h"
#include "microjit/microjit.h"

using namespace bf;
using microjit::Engine;
using microjit::EngineOptions;
using microjit::FunctionState;
using microjit::Tier;

namespace {

// Asks after every round whether to go on.
constexpr const char* kAsking = R"(
import @ask () -> (i64)
func @rounds () -> (i64) export {
b0:
  br b1(i64 0, i64 0)
b1(%i: i64, %sum: i64):
  %square: i64 = mul %i, %i
  %more: i64 = add %sum, %square
  %j: i64 = add %i, i64 1
  %answer: i64 = call_import @ask()
  %yes: i1 = ne %answer, i64 0
  br_if %yes, b1(%j, %more), b2
b2:
  ret %more
}
)";

u64 sum_of_squares(u64 rounds) {
  u64 sum = 0;
  for (u64 i = 0; i < rounds; ++i) sum += i * i;
  return sum;
}

// What the program saw of the engine that ran it.
struct Seen {
  const Engine* engine = nullptr;
  u64 rounds = 0;
  u64 steps = 0, rounds_with_a_step = 0, most_steps_in_a_round = 0;
};
Seen seen;
constexpr u64 kMostRounds = 400'000'000;  // long enough for the slowest machine

const FunctionState* best_rest(const Engine& engine) {
  const FunctionState* best = nullptr;
  for (const auto& s : engine.functions())
    if (s->rest && (!best || s->tier.load() > best->tier.load())) best = s.get();
  return best;
}

std::unique_ptr<Engine> make(u64 (*ask)(), const EngineOptions& options) {
  auto module = ir::parse_text(kAsking);
  if (!module) FAIL(module.error().message());
  const microjit::NamedAddress imports[] = {{"ask", reinterpret_cast<const void*>(ask)}};
  auto engine = Engine::create(std::move(*module), imports, options);
  REQUIRE(engine);
  seen = {};
  seen.engine = engine->get();
  return std::move(*engine);
}

// Until some rounds after the loop has left for the best tier, which does not ask the engine.
u64 ask_while_slices_come() {
  ++seen.rounds;
  const u64 steps = seen.engine->slice_steps(), now = steps - seen.steps;
  seen.steps = steps;
  seen.rounds_with_a_step += now != 0;
  if (now > seen.most_steps_in_a_round) seen.most_steps_in_a_round = now;
  const FunctionState* rest = best_rest(*seen.engine);
  return seen.rounds < kMostRounds && !(rest && rest->tier.load() > Tier::Baseline);
}

u64 ask_until_entered() {
  const FunctionState* rest = best_rest(*seen.engine);
  return ++seen.rounds < kMostRounds && !(rest && rest->profile.calls != 0);
}

}  // namespace

TEST_CASE("a compilation is advanced by one step at a poll, and the program goes on between") {
  auto engine = make(ask_while_slices_come, {.log = false, .slice_ticks = 0});
  const u64 sum = engine->function<u64()>("rounds")();
  CHECK(sum == sum_of_squares(seen.rounds));
  REQUIRE(best_rest(*engine) != nullptr);
  CHECK(best_rest(*engine)->tier.load() > Tier::Baseline);
  CHECK(seen.most_steps_in_a_round == 1);
  CHECK(seen.rounds_with_a_step > 10);  // one for each pass of the tier
  CHECK(engine->slices() == engine->slice_steps());
}

TEST_CASE("a slice that is long enough does the whole compilation") {
  auto engine = make(ask_while_slices_come, {.log = false, .slice_ticks = ~u64{0}});
  const u64 sum = engine->function<u64()>("rounds")();
  CHECK(sum == sum_of_squares(seen.rounds));
  CHECK(engine->slices() == 2);  // for the baseline tier, and for the best
  CHECK(seen.most_steps_in_a_round > 10);
}

TEST_CASE("where threads compile, a loop goes on and leaves when its better version is there") {
  auto engine = make(ask_until_entered, {.log = false, .compile_threads = 1});
  const u64 sum = engine->function<u64()>("rounds")();
  CHECK(sum == sum_of_squares(seen.rounds));
  REQUIRE(best_rest(*engine) != nullptr);
  CHECK(best_rest(*engine)->profile.calls == 1);
  CHECK(engine->slices() == 0);  // the program's core has compiled nothing
}
