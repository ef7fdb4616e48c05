// Leaving loops for better versions: resume points, continuations, and the engine that does it.
#include <algorithm>

#include <catch2/catch.hpp>

#include "../support/started.h"
#include "microjit/ir/verify.h"
#include "microjit/passes/cfg.h"
#include "microjit/resume.h"

using namespace bf;
using microjit::Tier;
using microjit::TierPolicy;

namespace {

constexpr const char* kNest = R"(
data @table writable align 8 size 800
func @nest (i64, i64) -> (i64) export {
b0(%n: i64, %m: i64):
  %t: ptr = data_addr @table
  %own: ptr = stack_alloc 16 align 8
  store i64 3, %own align 8
  br b1(i64 0, i64 0)
b1(%i: i64, %sum: i64):
  %more: i1 = ult %i, %n
  br_if %more, b2, b5
b2:
  %scaled: i64 = mul %i, %m
  br b3(i64 0, %sum)
b3(%j: i64, %inner: i64):
  %k: i64 = load %own align 8
  %x: i64 = add %scaled, %j
  %y: i64 = mul %x, %k
  %place: i64 = urem %j, i64 100
  %at: ptr = index %t, %place * 8
  store %y, %at align 8
  %next: i64 = add %inner, %y
  %j1: i64 = add %j, i64 1
  %again: i1 = ult %j1, %m
  br_if %again, b3(%j1, %next), b4
b4:
  %bigger: i64 = add %k, i64 1
  store %bigger, %own align 8
  %i1: i64 = add %i, i64 1
  br b1(%i1, %next)
b5:
  %last: i64 = load %own align 8
  %all: i64 = add %sum, %last
  ret %all
}
)";

u64 expected(u64 n, u64 m) {
  u64 sum = 0, k = 3;
  for (u64 i = 0; i < n; ++i, ++k)
    for (u64 j = 0; j < (m < 1 ? 1 : m); ++j) sum += (i * m + j) * k;
  return sum + k;
}

}  // namespace

TEST_CASE("a resume point holds what is alive there, and nothing that can be made again") {
  const ir::Module module = test::parsed(kNest);
  const ir::Function& f = module.functions[0];
  const microjit::ResumePoint point = microjit::resume_point(f, 3);
  // own, i, n, m, scaled, j, inner; not t (an address of data), not sum (dead in the inner loop)
  CHECK(point.values.size() == 7);
  CHECK(point.bytes == 7 * 8);
  for (usize i = 0; i + 1 < point.values.size(); ++i) {
    CHECK(point.values[i].value < point.values[i + 1].value);
    CHECK(point.values[i].offset + 8 == point.values[i + 1].offset);
  }
  CHECK(microjit::resume_point(f, 1).values.size() == 5);  // n, m, own, i, sum
}

TEST_CASE("a place within a block is a resume point too") {
  const ir::Module module = test::parsed(kNest);
  const ir::Function& f = module.functions[0];
  // Before `%j1 = add %j, 1`: k is alive (b4 wants it), y is not.
  const microjit::ResumePoint point = microjit::resume_point(f, 3, 7);
  u32 loads = 0;
  for (const auto& v : point.values)
    loads += f.values[v.value].def == ir::Def::Instruction &&
             f.instructions[f.values[v.value].index].op == ir::Op::load;
  CHECK(loads == 1);
}

TEST_CASE("a continuation goes on where the state says") {
  ir::Module module = test::parsed(kNest);
  microjit::add_resume_types(module);
  const ir::Function& f = module.functions[0];
  for (const u32 header : {1u, 3u}) {
    const microjit::ResumePoint point = microjit::resume_point(f, header);
    const u32 type = microjit::resume_type(module, f);
    REQUIRE(type != ~0u);
    ir::Function rest = microjit::make_continuation(module, f, point, type);
    ir::Module both = module;
    rest.index = 1;
    rest.exported = true;
    rest.name = both.intern("rest");
    both.functions.push_back(std::move(rest));
    if (auto ok = ir::verify(both); !ok) FAIL(ok.error().message());
    for (const TierPolicy policy : {TierPolicy::Interp, TierPolicy::Baseline}) {
      const auto engine = test::started(both, {}, policy);
      // The state of nest(5, 4) when it first comes to the header.
      u64 own[2] = {3, 0};
      std::vector<u64> state(point.bytes / 8);
      for (const auto& v : point.values) {
        u64 value = 0;
        if (v.value == f.blocks[0].first_argument) value = 5;
        if (v.value == f.blocks[0].first_argument + 1) value = 4;
        if (v.type.kind == ir::Kind::Ptr) value = reinterpret_cast<u64>(own);
        state[v.offset / 8] = value;  // i, sum, scaled, j, inner: 0
      }
      CHECK(engine->function<u64(u64*)>("rest")(state.data()) == expected(5, 4));
    }
  }
}

TEST_CASE("an inner loop's continuation enters the loops around it at their tops") {
  ir::Module module = test::parsed(kNest);
  microjit::add_resume_types(module);
  const ir::Function& f = module.functions[0];
  const ir::Function rest = microjit::make_continuation(module, f, microjit::resume_point(f, 3),
                                                        microjit::resume_type(module, f));
  const passes::Graph graph(module, rest);
  const passes::Cfg cfg(graph);
  u32 deepest = 0;
  for (const auto& loop : cfg.loops()) deepest = std::max(deepest, loop.depth);
  CHECK_FALSE(cfg.irreducible());
  CHECK(deepest == 2);             // the nest as it was,
  CHECK(cfg.loops().size() == 3);  // and the round that was under way
}

TEST_CASE("an interpreted function leaves its loop with all that is alive there") {
  // Arguments that swap places in every round, a vector, a float, what an address and a sign
  // extension in the loop are made of, and a truncation of something from before.
  constexpr const char* kLoop = R"(
data @table writable align 16 size 64
func @swaps (i64, f64) -> (i64, f64) export {
b0(%n: i64, %x: f64):
  %low: i32 = trunc %n
  %t: ptr = data_addr @table
  br b1(i64 0, i64 1, i64 2, %x, i32x4 [1, 2, 3, 4], i32 0)
b1(%i: i64, %a: i64, %b: i64, %f: f64, %v: i32x4, %k: i32):
  %w: i32x4 = add %v, %v
  %k1: i32 = add %k, i32 1
  %k2: i32 = and %k1, i32 7
  %far: i64 = sext %k2
  %at: ptr = index %t, %far * 8
  %old: i64 = load %at align 8
  %new: i64 = add %old, %a
  store %new, %at align 8
  %g: f64 = fadd %f, %x
  %c: i64 = add %b, i64 3
  %j: i64 = add %i, i64 1
  %more: i1 = ult %j, %n
  br_if %more, b1(%j, %c, %a, %g, %w, %k2), b2
b2:
  %lane: i32 = extract %v, i32 1
  %wide: i64 = zext %lane
  %s1: i64 = mul %a, i64 31
  %s2: i64 = add %s1, %b
  %s3: i64 = add %s2, %wide
  %s4: i64 = add %s3, %new
  %l: i64 = zext %low
  %s5: i64 = xor %s4, %l
  ret %s5, %g
}
)";
  struct Results {
    u64 integer;
    double number;
  };
  const auto run = [&](TierPolicy policy) {
    const auto engine = test::started(kLoop, {}, policy);
    const Results results = engine->function<Results(u64, double)>("swaps")(20'011, 0.5);
    bool left = false;
    for (const auto& s : engine->functions()) left |= s->rest != nullptr;
    CHECK(left == (policy == TierPolicy::Auto));
    return results;
  };
  const Results want = run(TierPolicy::Interp), got = run(TierPolicy::Auto);
  CHECK(want.integer == got.integer);
  CHECK(want.number == got.number);
}

TEST_CASE("a function that is called once leaves its loop for a better version") {
  const auto engine = test::started(kNest);
  engine->promote(*engine->functions()[0], Tier::Baseline);
  CHECK(engine->function<u64(u64, u64)>("nest")(1000, 1000) == expected(1000, 1000));
  const auto states = engine->functions();
  REQUIRE(states.size() >= 2);
  CHECK(states[1]->rest != nullptr);
  CHECK(states[1]->tier.load() > Tier::Baseline);
}

TEST_CASE("a continuation is not taken for variadic, whatever the program imports") {
  // A type that has the continuation's parameters and results, comes before it, and is another.
  const std::string source = std::string("import @print (ptr, ...) -> (i64)\n") + kNest;
  const microjit::NamedAddress imports[] = {{"print", microjit::engine_import("bf_trap")}};
  const auto engine = test::started(source, imports);
  CHECK(engine->function<u64(u64, u64)>("nest")(1000, 1000) == expected(1000, 1000));
  const auto states = engine->functions();
  REQUIRE(states.size() >=
          3);  // it left from the interpreter, and what it left for went on to leave
  CHECK_FALSE(states[1]->type->variadic);
  CHECK(states.back()->tier.load() > Tier::Baseline);
}

TEST_CASE("stack space that a pointer alive in the loop leads into is not copied") {
  // %second is made before the loop; who copied the array would store there and load here.
  constexpr const char* kPointers = R"(
func @pointers (i64) -> (i64) export {
b0(%n: i64):
  %array: ptr = stack_alloc 32 align 8
  %second: ptr = ptradd %array, i64 8
  store i64 0, %array align 8
  store i64 1, %second align 8
  br b1(i64 0)
b1(%i: i64):
  %old: i64 = load %second align 8
  %new: i64 = add %old, %i
  %at: ptr = index %array, i64 1 * 8
  store %new, %at align 8
  %j: i64 = add %i, i64 1
  %more: i1 = ult %j, %n
  br_if %more, b1(%j), b2
b2:
  %sum: i64 = load %second align 8
  ret %sum
}
)";
  const auto engine = test::started(kPointers);
  const u64 n = 1'000'000;
  CHECK(engine->function<u64(u64)>("pointers")(n) == n * (n - 1) / 2 + 1);
  CHECK(engine->functions().size() >= 2);  // it did leave
}
