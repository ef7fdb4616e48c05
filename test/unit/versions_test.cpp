// Versions come out of their slots, and their memory is used again when nobody is inside; the least
// valuable ones make room where the code cache is full.
#include <catch2/catch.hpp>
#include <string>

#include "microjit/ir/text.h"
#include "microjit/microjit.h"

namespace {

using namespace bf;
using namespace bf::microjit;

Engine* running = nullptr;
u64 hidden_entry = 0;  // written so that it does not look like a pointer: what is on a stack counts

// Called from inside of @f: takes @f's version away.
u64 withdraw_caller(u64 x) {
  FunctionState& f = *running->functions()[0];
  const auto* entry = static_cast<const u8*>(f.slot.load());
  running->withdraw(f);
  for (int i = 0; i < 3; ++i) running->reclaim();
  CHECK(running->retired_bytes() != 0);
  CHECK(entry[0] != 0xcc);
  CHECK(running->describe(entry) == "f");
  hidden_entry = ~reinterpret_cast<u64>(entry);
  return x + 1;
}

std::unique_ptr<Engine> make(const std::string& text, EngineOptions options) {
  auto module = ir::parse_text(text);
  INFO((module ? "" : module.error().message()));
  REQUIRE(module);
  const NamedAddress imports[] = {{"inside", reinterpret_cast<const void*>(withdraw_caller)}};
  options.log = false;
  auto engine = Engine::create(std::move(*module), imports, options);
  REQUIRE(engine);
  running = engine->get();
  return std::move(*engine);
}

TEST_CASE("a version that somebody is inside is kept, and freed when he has left") {
  auto engine = make("import @inside (i64) -> (i64)\nfunc @f (i64) -> (i64) {\nb0(%x: i64):\n"
                     "  %y: i64 = call_import @inside(%x)\n  ret %y\n}\n",
                     {});
  FunctionState& f = *engine->functions()[0];
  REQUIRE(engine->promote(f, Tier::Baseline));
  CHECK(engine->function<u64(u64)>("f")(41) == 42);
  CHECK(f.tier == Tier::Interp);
  engine->reclaim();
  engine->reclaim();
  CHECK(engine->retired_bytes() == 0);
  CHECK(*reinterpret_cast<const volatile u8*>(~hidden_entry) == 0xcc);
}

TEST_CASE("a new version takes the place of the old one in memory, too") {
  auto engine = make("func @f (i64) -> (i64) {\nb0(%x: i64):\n  ret %x\n}\n", {});
  FunctionState& f = *engine->functions()[0];
  CHECK(engine->function<u64(u64)>("f")(1) == 1);
  REQUIRE(engine->promote(f, Tier::Baseline));
  const usize used = engine->code_cache().used_bytes();
  for (int i = 0; i < 1000; ++i) REQUIRE(engine->promote(f, Tier::Baseline));
  engine->reclaim();
  CHECK(engine->code_cache().used_bytes() == used);
  CHECK(engine->code_cache().reused_pieces() > 900);
  CHECK(engine->function<u64(u64)>("f")(7) == 7);
}

TEST_CASE("calls of the best tier's versions go their own way through the stub") {
  auto engine = make("func @f (i64) -> (i64) {\nb0(%x: i64):\n  ret %x\n}\n", {});
  FunctionState& f = *engine->functions()[0];
  auto* stub = reinterpret_cast<u64 (*)(u64)>(const_cast<void*>(f.stub));
  // jmp [r11], twice
  const std::string_view code(static_cast<const char*>(f.stub), 64);
  const usize first = code.find("\x41\xff\x23");
  REQUIRE(first != std::string_view::npos);
  CHECK(code.find("\x41\xff\x23", first + 1) != std::string_view::npos);
  CHECK_FALSE(f.settled);
  CHECK(stub(1) == 1);
  REQUIRE(engine->promote(f, Tier::Baseline));
  CHECK_FALSE(f.settled);
  CHECK(stub(2) == 2);
  REQUIRE(engine->promote(f, Tier::Tuned));
  CHECK(f.settled);
  CHECK(stub(3) == 3);
  engine->withdraw(f);
  CHECK_FALSE(f.settled);
  CHECK(stub(4) == 4);
}

// `count` functions of some hundred bytes of code each.
std::string many_functions(int count) {
  std::string text;
  for (int n = 0; n < count; ++n) {
    text += "func @f" + std::to_string(n) + " (i64) -> (i64) {\nb0(%x0: i64):\n";
    for (int i = 0; i < 60; ++i)
      text += "  %x" + std::to_string(i + 1) + ": i64 = mul %x" + std::to_string(i) + ", i64 " +
              std::to_string(2 * n + 3) + "\n";
    text += "  ret %x60\n}\n";
  }
  return text;
}

TEST_CASE("where the cache is full, what is least used makes room, and may come back") {
  constexpr int kFunctions = 100;
  EngineOptions options;
  options.code_bytes = 16 << 10;
  constexpr u64 kNever = u64{1} << 40;
  options.thresholds = {{0, 10, kNever, kNever, kNever}};  // the tier that counts its calls
  auto engine = make(many_functions(kFunctions), options);
  u64 expected[kFunctions];
  for (int n = 0; n < kFunctions; ++n) {
    expected[n] = 1;
    for (int i = 0; i < 60; ++i) expected[n] *= static_cast<u64>(2 * n + 3);
  }
  const auto call = [&](int n, int times) {
    auto* f = engine->function<u64(u64)>("f" + std::to_string(n));
    for (int i = 0; i < times; ++i) REQUIRE(f(1) == expected[n]);
  };
  u32 evictions = 0;
  for (int n = 1; n < kFunctions; ++n) {
    call(n, 20);
    call(0, 100);  // the busy one
  }
  for (const auto& state : engine->functions()) evictions += state->evictions;
  CHECK(evictions > 10);
  // What a call is worth is measured by the clock: on a busy machine one of the others may look dearer
  // for a while.
  CHECK(engine->functions()[0]->evictions * 20 < evictions);
  CHECK(engine->functions()[0]->tier == Tier::Baseline);
  CHECK(engine->code_cache().used_bytes() <= engine->code_cache().budget_bytes());
  int evicted = 1;
  while (engine->functions()[static_cast<usize>(evicted)]->tier != Tier::Interp) ++evicted;
  call(evicted, 20);
  CHECK(engine->functions()[static_cast<usize>(evicted)]->tier == Tier::Baseline);
}

}  // namespace
