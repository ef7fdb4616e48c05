// What is believed of arguments: sampled, compiled in, and taken back where it was wrong.
#include <catch2/catch.hpp>

#include "../support/started.h"

using namespace bf;
using microjit::Tier;

namespace {

constexpr const char* kPower = R"(
func @f (i64, i64) -> (i64) export {
b0(%n: i64, %x: i64):
  br b1(i64 0, i64 1)
b1(%i: i64, %p: i64):
  %more: i1 = ult %i, %n
  br_if %more, b2, b3
b2:
  %q: i64 = mul %p, %x
  %r: i64 = add %q, %i
  %j: i64 = add %i, i64 1
  br b1(%j, %r)
b3:
  ret %p
}
)";

u64 expected(u64 n, u64 x) {
  u64 p = 1;
  for (u64 i = 0; i < n; ++i) p = p * x + i;
  return p;
}

}  // namespace

TEST_CASE("arguments that never change are constants, others are not") {
  ir::FunctionType type;
  type.parameters = {ir::Kind::I64, ir::Kind::F64, ir::Kind::I32, ir::Kind::Ptr};
  microjit::ArgumentProfile profile;
  for (u64 n = 0; n < microjit::ArgumentProfile::kEnoughSamples; ++n) {
    CHECK(profile.constants().empty());
    // What a narrow argument's register holds above it is anything.
    const u64 general[6] = {64, (n << 32) | 7, 1000 + n, 0, 0, 0};
    profile.sample(type, general);
  }
  const auto constants = profile.constants();
  REQUIRE(constants.size() == 2);
  CHECK(constants[0].parameter == 0);
  CHECK(constants[0].bits == 64);
  CHECK(constants[1].parameter == 2);
  CHECK(constants[1].bits == 7);
}

TEST_CASE("a constant argument gets a version behind a guard, which goes when it was wrong") {
  const auto engine = test::started(kPower);
  auto* f = engine->function<u64(u64, u64)>("f");
  auto& state = *engine->functions()[0];
  for (u64 i = 0; i < 2000; ++i) REQUIRE(f(6, i) == expected(6, i));
  REQUIRE(state.tier.load() >= Tier::Specialised);
  CHECK(state.generic != nullptr);
  CHECK(state.guard_failures == 0);
  const auto constants = state.arguments.constants();
  REQUIRE(constants.size() == 1);
  CHECK(constants[0].bits == 6);

  // The guard fails and is right to; when that goes on, it goes.
  REQUIRE(f(7, 3) == expected(7, 3));
  CHECK(state.guard_failures == 1);
  for (u64 i = 0; i < 5000; ++i) REQUIRE(f(i % 9, i) == expected(i % 9, i));
  CHECK(state.wrong_guess);
  CHECK(state.generic == nullptr);
  for (u64 i = 0; i < 50'000; ++i) REQUIRE(f(i % 9, i) == expected(i % 9, i));
  CHECK(state.tier.load() >= Tier::Specialised);
  CHECK(state.generic == nullptr);
}

namespace {

constexpr const char* kCallbacks = R"(
func @twice (i64) -> (i64) {
b0(%x: i64):
  %y: i64 = add %x, %x
  ret %y
}
func @thrice (i64) -> (i64) {
b0(%x: i64):
  %y: i64 = mul %x, i64 3
  ret %y
}
data @which writable align 8 size 8 at 0 @twice
data @other align 8 size 8 at 0 @thrice
func @f (i64, i64) -> (i64) export {
b0(%n: i64, %change: i64):
  %slot: ptr = data_addr @which
  %new: ptr = data_addr @other
  br b1(i64 0, i64 0)
b1(%i: i64, %sum: i64):
  %more: i1 = ult %i, %n
  br_if %more, b2, b5
b2:
  %now: i1 = eq %i, %change
  br_if %now, b3, b4
b3:
  %p: ptr = load %new align 8
  store %p, %slot align 8
  br b4
b4:
  %g: ptr = load %slot align 8
  %r: i64 = call_indirect %g(%i) : (i64) -> (i64)
  %s: i64 = add %sum, %r
  %j: i64 = add %i, i64 1
  br b1(%j, %s)
b5:
  ret %sum
}
)";

u64 sum_of_calls(u64 n, u64 change) {
  u64 sum = 0, factor = 2;
  for (u64 i = 0; i < n; ++i) {
    if (i == change) factor = 3;
    sum += i * factor;
  }
  return sum;
}

}  // namespace

TEST_CASE("a loop whose indirect call changes its mind is left for what the function was before") {
  const auto engine = test::started(kCallbacks);
  auto* f = engine->function<u64(u64, u64)>("f");
  const i64 index = engine->module().find_function("f");
  auto& state = *engine->functions()[static_cast<usize>(index)];
  for (int n = 0; n < 12'000; ++n) REQUIRE(f(40, 1000) == sum_of_calls(40, 1000));
  REQUIRE(state.tier.load() >= Tier::Specialised);
  CHECK_FALSE(state.calls_vary);
  const u64 before = state.guard_failures;
  // In the middle of a loop of the optimised version.
  CHECK(f(1000, 500) == sum_of_calls(1000, 500));
  CHECK(state.calls_vary);
  CHECK(state.guard_failures > before);
  CHECK_FALSE(state.continuations.empty());
}

TEST_CASE("the rest of a loop that is replaced while it runs knows where its calls went") {
  const auto engine = test::started(kCallbacks);
  auto* f = engine->function<u64(u64, u64)>("f");
  const i64 index = engine->module().find_function("f");
  auto& state = *engine->functions()[static_cast<usize>(index)];
  // One call, so all versions above the interpreter are continuations. Only one that counted on
  // what the interpreter saw can tell that this has come to an end.
  CHECK(f(1'000'000, 900'000) == sum_of_calls(1'000'000, 900'000));
  CHECK(state.calls_vary);
  u64 misses = 0;
  for (const auto& other : engine->functions())
    if (other->whole == &state) misses += other->guard_failures;
  CHECK(misses == 1);
}
