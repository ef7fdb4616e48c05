// Looking inside: the tier log, the trace, what debuggers are told.
#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "microjit/inspect/debug_object.h"
#include "microjit/inspect/disassemble.h"
#include "microjit/inspect/gdb_jit.h"
#include "microjit/inspect/sampler.h"
#include "microjit/ir/text.h"
#include "microjit/microjit.h"

namespace {

using namespace bf;
using namespace bf::microjit;

constexpr const char* kProgram =
    "func @inner (i64) -> (i64) {\nb0(%x: i64):\n  %y: i64 = add %x, i64 1\n  ret %y\n}\n"
    "func @outer (i64) -> (i64) {\nb0(%x: i64):\n  %y: i64 = call @inner(%x)\n  ret %y\n}\n";

std::unique_ptr<Engine> make(EngineOptions options) {
  auto module = ir::parse_text(kProgram);
  REQUIRE(module);
  options.log = false;
  auto engine = Engine::create(std::move(*module), {}, options);
  REQUIRE(engine);
  return std::move(*engine);
}

usize count_of(const std::string& text, const char* what) {
  usize n = 0;
  for (usize at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST_CASE("the tier log says who went where and why") {
  auto engine = make({});
  auto* outer = engine->function<u64(u64)>("outer");
  for (u64 i = 0; i < 10; ++i) REQUIRE(outer(i) == i + 1);
  engine->withdraw(*engine->functions()[0]);
  const auto events = engine->tier_log().events();
  REQUIRE(events.size() == 3);
  CHECK(events[0].function == engine->functions()[1]->function);
  CHECK(events[0].to == Tier::Baseline);
  CHECK(events[0].reason == TierReason::Calls);
  CHECK(events[0].compile_ticks != 0);
  CHECK(events[0].code_bytes != 0);
  CHECK(events[2].from == Tier::Baseline);
  CHECK(events[2].to == Tier::Interp);
  CHECK(events[2].reason == TierReason::Asked);
  Text text;
  engine->tier_log().write_text(engine->module(), text);
  const std::string lines(text.view());
  CHECK(count_of(lines, "\n") == 3);
  CHECK(lines.find(" outer interp baseline calls ") != std::string::npos);
  CHECK(lines.find(" inner baseline interp asked 0 ") != std::string::npos);
}

TEST_CASE("the trace has a lane per function, with its tiers one after the other") {
  auto engine = make({});
  for (u64 i = 0; i < 10; ++i) engine->function<u64(u64)>("outer")(i);
  Text json;
  engine->tier_log().write_trace(engine->module(), platform::clock_ns(), json);
  const std::string text(json.view());
  CHECK(count_of(text, "\"thread_name\"") == 3);
  CHECK(count_of(text, "\"ph\": \"X\"") == 2 /* compiling */ + 4 /* two tiers each */);
  CHECK(count_of(text, "\"name\": \"interp\"") == 2);
  CHECK(count_of(text, "\"name\": \"baseline\"") == 2);
  CHECK(count_of(text, "{") == count_of(text, "}"));
  CHECK(count_of(text, "[") == count_of(text, "]"));
}

struct Recorder final : CodeObserver {
  std::vector<const u8*> live;
  void added(const ir::Module&, const Version& v) override { live.push_back(v.entry); }
  void removed(const Version& v) override { std::erase(live, v.entry); }
};

TEST_CASE("observers hear of every version, and of its end") {
  Recorder recorder;
  EngineOptions options;
  options.observers.push_back(&recorder);
  auto engine = make(options);
  FunctionState& inner = *engine->functions()[0];
  for (int i = 0; i < 100; ++i) REQUIRE(engine->promote(inner, Tier::Baseline));
  for (int i = 0; i < 4; ++i) engine->reclaim();
  CHECK(recorder.live.size() >= 1);
  CHECK(recorder.live.size() < 5);  // something on the stack may look like a pointer
  CHECK(recorder.live.back() == inner.slot.load());
}

TEST_CASE("the debug object is an ELF file about one function") {
  auto engine = make({.policy = TierPolicy::Baseline});
  const auto object = make_debug_object(engine->module(), *engine->functions()[0]->version);
  REQUIRE(object.size() > 64);
  CHECK(std::memcmp(object.data(), "\x7f" "ELF\x02\x01\x01", 7) == 0);
  const std::string bytes(object.begin(), object.end());
  CHECK(bytes.find("inner") != std::string::npos);
  CHECK(bytes.find(".debug_frame") != std::string::npos);
  CHECK(bytes.find(".debug_line") != std::string::npos);
}

TEST_CASE("a version is disassembled, with samples beside its instructions") {
  auto module = ir::parse_text("file 1 \"spin.c\"\nfunc @spin (i64) -> (i64) {\nb0(%n: i64):\n"
                               "  br b1(i64 0)\nb1(%i: i64):\n  %j: i64 = add %i, i64 1 !1:7\n"
                               "  %more: i1 = ult %j, %n !1:8\n  br_if %more, b1(%j), b2 !1:8\nb2:\n"
                               "  ret %j !1:9\n}\n");
  REQUIRE(module);
  EngineOptions options;
  options.policy = TierPolicy::Baseline;
  options.log = false;
  auto engine = Engine::create(std::move(*module), {}, options);
  REQUIRE(engine);
  const Version& version = *(*engine)->functions()[0]->version;
  Sampler sampler(1000);
  // Until there are samples: this much CPU time passes at some time.
  while (sampler.addresses().size() < 20) (*engine)->function<u64(u64)>("spin")(10'000'000);
  sampler.stop();
  usize inside = 0;
  for (const u64 pc : sampler.addresses()) inside += version.holds(reinterpret_cast<const void*>(pc));
  CHECK(inside * 2 > sampler.addresses().size());
  Text text;
  const auto done = disassemble((*engine)->module(), version, {sampler.addresses(), sampler.ticks_each()}, text);
  if (!done) {
    WARN(done.error().message());  // a host without objdump
    return;
  }
  const std::string listing(text.view());
  CHECK(listing.find("spin@baseline") != std::string::npos);
  CHECK(listing.find("; spin.c:7\n") != std::string::npos);
  CHECK(listing.find(" % ") != std::string::npos);
  CHECK(listing.find(" cycles\n") != std::string::npos);
  CHECK(listing.find("ret") != std::string::npos);
}

TEST_CASE("compile threads make the same promotions beside the program") {
  EngineOptions options;
  options.compile_threads = 2;
  auto engine = make(options);
  auto* outer = engine->function<u64(u64)>("outer");
  // Who finds the engine's lock taken goes on, and asks again after another countdown.
  const auto all_are_compiled = [&] {
    for (const auto& state : engine->functions())
      if (state->tier == Tier::Interp) return false;
    return true;
  };
  for (u64 i = 0; i < 10 || (i < 100'000 && !all_are_compiled()); ++i) REQUIRE(outer(i) == i + 1);
  engine->wait_for_compilers();
  CHECK(all_are_compiled());
  REQUIRE(outer(41) == 42);
}

TEST_CASE("of what waits to be compiled the hottest comes first, and what is stale not at all") {
  FunctionState cold, hot, done;
  cold.profile.self_cycles = 10;
  hot.profile.self_cycles = 20;
  done.profile.self_cycles = 30;
  CompileQueue queue;
  queue.add({&cold, Tier::Baseline});
  queue.add({&hot, Tier::Baseline});
  queue.add({&done, Tier::Baseline});
  queue.add({&hot, Tier::Baseline});
  CHECK(queue.size() == 3);
  done.tier = Tier::Baseline;
  CompileRequest request;
  REQUIRE(queue.take(request));
  CHECK(request.state == &hot);
  REQUIRE(queue.take(request));
  CHECK(request.state == &cold);
  CHECK_FALSE(queue.take(request));
  CHECK(queue.dropped() == 1);
}

}  // namespace
