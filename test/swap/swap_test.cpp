// Swap under load: eight threads call one function while a ninth swaps it between versions that
// return different constants. Every result is one of the constants, and code that was freed, and so
// overwritten with breakpoints, is never executed: that would be the end of this process.
//
//   swap-test [SWAPS]
//
// The versions are real ones: compiled by the baseline tier from IR, with and without the profiler and
// the heat countdown, published by the engine into a code cache so small that its memory is used again
// hundreds of times.
//
// That nobody waits is a matter of construction, not of measuring: a call is a load of the slot and
// a jump. What is checked is that the callers never take a lock (the swapper holds the engine's lock
// almost all the time, and they get on).
#include <pthread.h>
#include <time.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../support/checks.h"
#include "microjit/compile.h"
#include "microjit/ir/text.h"
#include "microjit/microjit.h"

namespace {

using namespace bf;
using namespace bf::microjit;

constexpr u32 kCallers = 8;
constexpr u64 kConstants = 16;
constexpr u64 kBase = 0x5ab0;
constexpr usize kCodeBytes = usize{512} << 10;

using Constant = u64(u64);

struct Shared {
  Constant* function;
  std::atomic<bool> stop{false};
};

struct Caller {
  Shared* shared;
  pthread_t thread;
  u64 calls = 0, wrong = 0, changes = 0;
};

void* call(void* argument) {
  Caller& me = *static_cast<Caller*>(argument);
  u64 last = 0;
  while (!me.shared->stop.load(std::memory_order_relaxed)) {
    for (u32 i = 0; i < 64; ++i) {
      const u64 result = me.shared->function(i);
      if (result - i < kBase || result - i >= kBase + kConstants) ++me.wrong;
      me.changes += result - i != last;
      last = result - i;
      ++me.calls;
    }
  }
  return nullptr;
}

// What every version calls: now and then it lingers, so that a version is left by its caller only long
// after it was swapped, with a return address into it on the stack.
u64 linger(u64 x) {
  thread_local u64 calls = 0;
  if (++calls % 4096 == 0) platform::yield();
  if (calls % 65536 == 0) {
    const timespec a_while = {0, 2'000'000};
    nanosleep(&a_while, nullptr);
  }
  return x;
}

// @f, which is called, and @v0 ... whose code is published as @f's.
std::string program() {
  std::string text = "import @linger (i64) -> (i64)\n";
  for (u64 k = 0; k <= kConstants; ++k) {
    const u64 constant = kBase + (k == kConstants ? 0 : k);
    text += "func @" + (k == kConstants ? "f" : "v" + std::to_string(k)) +
            " (i64) -> (i64) {\nb0(%x: i64):\n  %y: i64 = call_import @linger(%x)\n  %z: i64 = add %y, i64 " +
            std::to_string(constant) + "\n  ret %z\n}\n";
  }
  return text;
}

std::vector<CompiledCode> compile_versions(const Engine& engine) {
  std::vector<CompiledCode> versions;
  for (u64 k = 0; k < kConstants; ++k) {
    const i64 index = engine.module().find_function("v" + std::to_string(k));
    auto code = compile(engine.module(), engine.module().functions[static_cast<usize>(index)],
                        Tier::Baseline,
                        {.features = engine.options().features, .profile = k % 4 == 1, .heat = k % 4 >= 2});
    if (!code) std::exit(1);
    versions.push_back(std::move(*code));
  }
  return versions;
}

// Gives the number of times at which the cache was full of code that somebody might be in.
u64 swap(Engine& engine, FunctionState& function, const std::vector<CompiledCode>& versions, u64 swaps) {
  u64 full = 0, random = 1;
  for (u64 done = 0; done < swaps;) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    if (engine.publish(function, versions[(random >> 33) % versions.size()], Tier::Baseline)) {
      ++done;
      continue;
    }
    ++full;
    engine.reclaim();
    platform::yield();
  }
  return full;
}

int run(u64 swaps) {
  auto module = ir::parse_text(program());
  EngineOptions options;
  options.log = false;
  options.code_bytes = kCodeBytes;
  const NamedAddress imports[] = {{"linger", reinterpret_cast<const void*>(linger)}};
  auto made = module ? Engine::create(std::move(*module), imports, options)
                     : Result<std::unique_ptr<Engine>>(module.error());
  if (!made) {
    std::fprintf(stderr, "%s\n", made.error().message());
    return 1;
  }
  Engine& engine = **made;
  FunctionState& f = *engine.functions()[static_cast<usize>(engine.module().find_function("f"))];
  const auto versions = compile_versions(engine);
  Shared shared;
  shared.function = engine.function<Constant>("f");
  Caller callers[kCallers];
  for (Caller& c : callers) {
    c.shared = &shared;
    pthread_create(&c.thread, nullptr, call, &c);
  }
  const u64 full = swap(engine, f, versions, swaps);
  shared.stop = true;
  u64 calls = 0, changes = 0;
  for (Caller& c : callers) {
    pthread_join(c.thread, nullptr);
    CHECK(c.wrong == 0);
    CHECK(c.calls != 0);
    calls += c.calls;
    changes += c.changes;
  }
  const u64 reused = engine.code_cache().reused_pieces();
  std::printf("%llu swaps, %llu calls of %u threads (%llu saw another version than the one before), "
              "%llu pieces of code memory used again, cache full %llu times\n",
              (unsigned long long)swaps, (unsigned long long)calls, kCallers,
              (unsigned long long)changes, (unsigned long long)reused, (unsigned long long)full);
  // Every version takes at least 128 bytes: what does not fit into the cache at once was used again.
  CHECK(reused + kCodeBytes / 64 >= swaps);
  CHECK(changes > kCallers);
  // With nobody inside, everything but the last version comes free.
  engine.reclaim();
  engine.reclaim();
  CHECK(engine.retired_bytes() == 0);
  return test::failures == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000);
}
