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
#include "microjit/semantics.h"
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

ValueId add(ir::Builder& b, ValueId x, u64 y) {
  return b.binary(Op::add, x, b.constant(kI64, y));
}

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
    b.br_if(negative, {n + 1 < count ? blocks[n + 1] : end, {}},
            {n + 1 < count ? blocks[n + 1] : end, {}});
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
  const auto at =
      b.emit(Op::stack_alloc, kPtr, std::initializer_list<ValueId>{}, 4, static_cast<i64>(bytes));
  const auto last = b.emit(Op::ptradd, kPtr, {at, b.constant(kI64, bytes - 8)});
  b.emit(Op::store, {}, {b.argument(entry, 0), last});
  b.emit(Op::store, {}, {b.constant(kI64, 9), at});
  const ValueId results[] = {
      b.binary(Op::add, b.emit(Op::load, kI64, {last}), b.emit(Op::load, kI64, {at}))};
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
    pthread_create(
        &thread, &attributes,
        [](void* code) -> void* {
          const auto result = reinterpret_cast<u64 (*)(u64)>(code)(33);
          _exit(result == 42 ? 0 : 1);
        },
        const_cast<void*>(f));
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
  CHECK(calls_of(spin) == 10);
  CHECK(calls_of(total) == 5);
  CHECK(spin.self_cycles == spin.cycles_total);
  CHECK(spin.cycles_min > 0);
  CHECK(spin.cycles_min <= average_cycles_of(spin));
  CHECK(spin.cycles_max >= average_cycles_of(spin));
  CHECK(spin.timed == 10);  // calls that long are timed one by one
  CHECK(total.timed > 0);
  CHECK(average_cycles_of(total) >= 2 * spin.cycles_min);
  CHECK(average_cycles_of(total) <= 3 * spin.cycles_max);
  CHECK(total.self_cycles < total.cycles_total);
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

// Quotients and remainders by every kind of constant divisor, as the interpreter's semantics have
// them.
template <class T>
void check_divisions(Op op, u64 (*expected)(u64, u64)) {
  constexpr u32 kBits = sizeof(T) * 8;
  std::vector<u64> odd = {1,  2,  3,  5,  6,  7,   9,   10,  11,  12,
                          25, 60, 63, 64, 65, 100, 125, 127, 128, 255};
  for (u32 shift = 8; shift < 64; shift += 7)
    for (const u64 near : {~u64{0}, u64{0}, u64{1}, u64{1234567}})
      odd.push_back((u64{1} << shift) + near);
  for (const u64 v : std::vector<u64>(odd)) odd.push_back(u64{0} - v);
  odd.push_back(u64{1} << (kBits - 1));
  odd.push_back((u64{1} << (kBits - 1)) - 1);
  const bool is_signed = op == Op::sdiv || op == Op::srem;
  const Type narrow{ir::int_kind(kBits)};
  ir::Module module;
  module.functions.reserve(odd.size());
  std::vector<u64> divisors;
  for (const u64 v : odd) {
    const T divisor = static_cast<T>(v);
    if (divisor == 0) continue;
    char name[16];
    std::snprintf(name, sizeof name, "f%zu", divisors.size());
    divisors.push_back(divisor);
    ir::Function& f = new_function(module, name, {{Kind::I64}, {Kind::I64}});
    ir::Builder b(module, f);
    const Type parameter[] = {kI64};
    const auto entry = b.add_block(parameter);
    b.begin(entry);
    ValueId x = b.argument(entry, 0);
    if (kBits < 64) x = b.emit(Op::trunc, narrow, {x});
    x = b.binary(op, x, b.constant(narrow, divisor));
    if (kBits < 64) x = b.emit(Op::zext, kI64, {x});
    const ValueId results[] = {x};
    b.ret(results);
    b.finish();
  }
  auto engine = baseline(std::move(module));
  u32 wrong = 0;
  for (usize n = 0; n < divisors.size(); ++n) {
    auto* f = reinterpret_cast<u64 (*)(u64)>(
        reinterpret_cast<usize>(engine->functions()[n]->slot.load()));
    for (const u64 v : odd)
      for (const u64 times : {u64{0}, u64{1}, divisors[n], divisors[n] * 3 - 1}) {
        const T dividend = static_cast<T>(v * times);
        const bool traps = is_signed && static_cast<T>(divisors[n]) == static_cast<T>(-1) &&
                           dividend == static_cast<T>(T{1} << (kBits - 1));
        if (!traps && f(dividend) != expected(dividend, divisors[n])) ++wrong;
      }
  }
  CHECK(wrong == 0);
}

template <class Semantics, class T>
u64 reference(u64 a, u64 b) {
  return Semantics::apply(static_cast<T>(a), static_cast<T>(b));
}

TEMPLATE_TEST_CASE("division by constants", "", u8, u16, u32, u64) {
  check_divisions<TestType>(Op::udiv, reference<microjit::sem::udiv, TestType>);
  check_divisions<TestType>(Op::urem, reference<microjit::sem::urem, TestType>);
  check_divisions<TestType>(Op::sdiv, reference<microjit::sem::sdiv, TestType>);
  check_divisions<TestType>(Op::srem, reference<microjit::sem::srem, TestType>);
}

}  // namespace
