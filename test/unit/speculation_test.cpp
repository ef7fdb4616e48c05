// What is believed of arguments: sampled, compiled in, and taken back where it was wrong.
#include <catch2/catch.hpp>

#include "microjit/ir/text.h"
#include "microjit/microjit.h"

using namespace bf;
using microjit::Engine;
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
  auto module = ir::parse_text(kPower);
  REQUIRE(module);
  auto engine = Engine::create(std::move(*module), {}, {.log = false});
  REQUIRE(engine);
  auto* f = (*engine)->function<u64(u64, u64)>("f");
  auto& state = *(*engine)->functions()[0];
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
