// The baseline tier where a small case file cannot reach: size, frames, the profile, source lines,
// relocations. What operations compute is tested by test/ir and test/diff.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "microjit/ir/builder.h"
#include "microjit/ir/verify.h"
#include "microjit/microjit.h"
#include "microjit/tiers/baseline.h"

namespace {

using namespace bf;
using ir::Kind;
using ir::Op;
using ir::Type;
using ir::ValueId;
using microjit::Engine;

constexpr Type kI64{Kind::I64}, kI1{Kind::I1}, kPtr{Kind::Ptr};

ir::Function& new_function(ir::Module& module, const char* name, ir::FunctionType type) {
  ir::Function f;
  f.index = static_cast<u32>(module.functions.size());
  f.name = module.intern(name);
  f.type = module.intern_type(type);
  f.exported = true;
  module.functions.push_back(f);
  return module.functions.back();
}

ValueId add(ir::Builder& b, ValueId x, u64 y) { return b.binary(Op::add, x, b.constant(kI64, y)); }

std::unique_ptr<Engine> baseline(ir::Module module, bool profile = false) {
  REQUIRE(ir::verify(module));
  microjit::EngineOptions options;
  options.policy = microjit::TierPolicy::Baseline;
  options.profile = profile;
  options.log = false;
  auto engine = Engine::create(std::move(module), {}, options);
  REQUIRE(engine);
  for (const auto& state : (*engine)->functions()) REQUIRE(state->tier == microjit::Tier::Baseline);
  return std::move(*engine);
}

// f(n): a ring of `count` blocks, each of which counts down and adds its number; all values of the
// blocks so far stay alive to the end.
ir::Module chain(u32 count) {
  ir::Module module;
  ir::Function& f = new_function(module, "f", {{Kind::I64}, {Kind::I64}});
  ir::Builder b(module, f);
  const Type parameter[] = {kI64};
  const auto entry = b.add_block(parameter);
  std::vector<ir::BlockId> blocks;
  for (u32 n = 0; n < count; ++n) blocks.push_back(b.add_block({}));
  const auto end = b.add_block({});
  b.begin(entry);
  b.br({blocks[0], {}});
  std::vector<ValueId> values;
  for (u32 n = 0; n < count; ++n) {
    b.begin(blocks[n]);
    values.push_back(add(b, b.argument(entry, 0), n));
    const auto negative = b.emit(Op::slt, kI1, {values.back(), b.constant(kI64, 0)});
    b.br_if(negative, {n + 1 < count ? blocks[n + 1] : end, {}}, {n + 1 < count ? blocks[n + 1] : end, {}});
  }
  b.begin(end);
  ValueId sum = b.constant(kI64, 0);
  for (const ValueId v : values) sum = b.binary(Op::add, sum, v);
  const ValueId results[] = {sum};
  b.ret(results);
  b.finish();
  return module;
}

TEST_CASE("thousands of blocks and of values that live across them") {
  constexpr u64 kBlocks = 5000;
  auto engine = baseline(chain(kBlocks));
  auto* f = engine->function<u64(u64)>("f");
  CHECK(f(3) == 3 * kBlocks + kBlocks * (kBlocks - 1) / 2);
}

// f(): writes to both ends of a stack allocation of `bytes` and gives the distance
ir::Module big_frame(u64 bytes) {
  ir::Module module;
  ir::Function& f = new_function(module, "f", {{Kind::I64}, {Kind::I64}});
  ir::Builder b(module, f);
  const Type parameter[] = {kI64};
  const auto entry = b.add_block(parameter);
  b.begin(entry);
  const auto at = b.emit(Op::stack_alloc, kPtr, std::initializer_list<ValueId>{}, 4, static_cast<i64>(bytes));
  const auto last = b.emit(Op::ptradd, kPtr, {at, b.constant(kI64, bytes - 8)});
  b.emit(Op::store, {}, {b.argument(entry, 0), last});
  b.emit(Op::store, {}, {b.constant(kI64, 9), at});
  const ValueId results[] = {b.binary(Op::add, b.emit(Op::load, kI64, {last}), b.emit(Op::load, kI64, {at}))};
  b.ret(results);
  b.finish();
  return module;
}

TEST_CASE("big frames work") {
  for (const u64 bytes : {u64{16}, u64{2000}, u64{4096}, u64{8000}, u64{100'000}, u64{900'000}}) {
    auto engine = baseline(big_frame(bytes));
    CHECK(engine->function<u64(u64)>("f")(33) == 42);
  }
}

TEST_CASE("a frame bigger than the stack meets the guard page below it") {
  auto engine = baseline(big_frame(900'000));
  const void* f = engine->address("f");
  const pid_t child = fork();
  if (child == 0) {
    // Memory below a small stack's guard page stays mapped: a frame that jumps over the guard
    // would not be noticed.
    constexpr usize kStack = 128 * 1024;
    std::signal(SIGSEGV, SIG_DFL);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStack);
    pthread_t thread;
    pthread_create(&thread, &attributes, [](void* code) -> void* {
      const auto result = reinterpret_cast<u64 (*)(u64)>(code)(33);
      _exit(result == 42 ? 0 : 1);
    }, const_cast<void*>(f));
    pthread_join(thread, nullptr);
    _exit(2);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("the profile counts calls and cycles, callees apart") {
  ir::Module module;
  module.functions.reserve(2);
  {  // spin(n): counts down
    ir::Function& f = new_function(module, "spin", {{Kind::I64}, {Kind::I64}});
    ir::Builder b(module, f);
    const Type one[] = {kI64};
    const auto entry = b.add_block(one), loop = b.add_block(one), end = b.add_block({});
    const ValueId start[] = {b.argument(entry, 0)};
    b.begin(entry);
    b.br({loop, start});
    b.begin(loop);
    const ValueId next[] = {add(b, b.argument(loop, 0), ~u64{0})};
    b.br_if(b.emit(Op::ne, kI1, {next[0], b.constant(kI64, 0)}), {loop, next}, {end, {}});
    b.begin(end);
    const ValueId results[] = {b.constant(kI64, 7)};
    b.ret(results);
    b.finish();
  }
  {
    ir::Function& f = new_function(module, "outer", {{Kind::I64}, {Kind::I64}});
    ir::Builder b(module, f);
    const Type one[] = {kI64};
    const auto entry = b.add_block(one);
    b.begin(entry);
    const auto first = b.emit(Op::call, kI64, {b.argument(entry, 0)}, 0);
    const auto second = b.emit(Op::call, kI64, {b.argument(entry, 0)}, 0);
    const ValueId results[] = {b.binary(Op::add, first, second)};
    b.ret(results);
    b.finish();
  }
  auto engine = baseline(std::move(module), true);
  auto* outer = engine->function<u64(u64)>("outer");
  for (int n = 0; n < 5; ++n) CHECK(outer(100'000) == 14);
  const microjit::Profile& spin = engine->functions()[0]->profile;
  const microjit::Profile& total = engine->functions()[1]->profile;
  CHECK(spin.calls == 10);
  CHECK(total.calls == 5);
  CHECK(spin.self_cycles == spin.cycles_total);
  CHECK(spin.cycles_min > 0);
  CHECK(spin.cycles_min <= spin.cycles_total / 10);
  CHECK(spin.cycles_max >= spin.cycles_total / 10);
  CHECK(total.cycles_total > spin.cycles_total);
  CHECK(total.self_cycles == total.cycles_total - spin.cycles_total);
}

TEST_CASE("code is relocatable: addresses from outside are relocations only") {
  ir::Module module;
  module.data.push_back({module.intern("d"), 3, true, 16, {}, {}});
  module.functions.reserve(2);
  new_function(module, "f", {{}, {Kind::I64}});
  ir::Function& f = module.functions[0];
  ir::Builder b(module, f);
  b.begin(b.add_block({}));
  const auto data = b.emit(Op::data_addr, kPtr, std::initializer_list<ValueId>{}, 0, 8);
  const auto self = b.emit(Op::func_addr, kPtr, std::initializer_list<ValueId>{}, 0);
  const auto loaded = b.emit(Op::load, kI64, {data});
  const ValueId results[] = {b.binary(Op::add, loaded, b.emit(Op::bitcast, kI64, {self}))};
  b.set_location(1u << 20 | 17);
  b.ret(results);
  b.finish();
  REQUIRE(ir::verify(module));
  auto code = microjit::compile_baseline(module, f, {.features = {}, .profile = false});
  REQUIRE(code);
  u32 data_relocations = 0, stubs = 0;
  for (const auto& r : code->relocations) {
    CHECK(r.offset + 8 <= code->code_bytes);
    if (r.kind == microjit::RelocKind::Data) {
      ++data_relocations;
      CHECK(r.index == 0);
      CHECK(r.addend == 8);
    }
    if (r.kind == microjit::RelocKind::Stub) ++stubs;
  }
  CHECK(data_relocations == 1);
  CHECK(stubs == 1);
  CHECK(code->relocations.size() == 2);
  REQUIRE(code->lines.size() == 1);
  CHECK(ir::location_line(code->lines[0].location) == 17);
  CHECK(code->lines[0].offset < code->code_bytes);
}

}  // namespace
