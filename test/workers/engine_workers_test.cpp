// A program that runs on several cores at once, while its functions climb through the tiers, are
// taken back to the interpreter and climb again: every result is right, what has been retired comes
// free also while workers sleep, and the profile is one of cores, not of waiting.
//
//   engine-workers-test THREADS [ROUNDS]
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "../support/checks.h"
#include "engine_on_workers.h"
#include "start.h"

namespace {

using namespace bf;
using namespace bf::microjit;

// out[i] = mix(in[i]) for i in [first, last).
constexpr const char* kProgram = R"(
import @bf_parallel_for (i64, i64, i64, ptr, ptr) -> ()
func @step (i64) -> (i64) {
b0(%x: i64):
  %a: i64 = mul %x, i64 6364136223846793005
  %b: i64 = add %a, i64 1442695040888963407
  %c: i64 = lshr %b, i64 29
  %d: i64 = xor %b, %c
  ret %d
}
func @mix (i64) -> (i64) {
b0(%x: i64):
  br b1(%x, i64 0)
b1(%y: i64, %i: i64):
  %z: i64 = call @step(%y)
  %j: i64 = add %i, i64 1
  %more: i1 = ult %j, i64 20
  br_if %more, b1(%z, %j), b2
b2:
  ret %z
}
func @body (ptr, i64, i64) -> () {
b0(%array: ptr, %first: i64, %last: i64):
  br b1(%first)
b1(%i: i64):
  %p: ptr = index %array, %i * 8
  %x: i64 = load %p align 8
  %y: i64 = call @mix(%x)
  store %y, %p align 8
  %j: i64 = add %i, i64 1
  %more: i1 = ult %j, %last
  br_if %more, b1(%j), b2
b2:
  ret
}
func @round (ptr, i64) -> () {
b0(%array: ptr, %count: i64):
  %body: ptr = func_addr @body
  call_import @bf_parallel_for(i64 0, %count, i64 4, %body, %array)
  ret
}
)";

u64 mix(u64 x) {
  for (int i = 0; i < 20; ++i) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    x ^= x >> 29;
  }
  return x;
}

void sleep_a_while() {
  const timespec time = {0, 5'000'000};
  nanosleep(&time, nullptr);
}

EngineOptions engine_options() {
  EngineOptions options;
  options.log = false;
  options.code_bytes = usize{256} << 10;
  options.thresholds = {};
  return options;
}

}  // namespace

int main(int count, char** words) {
  test::start("engine-workers-test", count, words);
  const u64 rounds = count > 2 ? std::strtoull(words[2], nullptr, 10) : 20'000;
  const auto engine = test::make_engine(kProgram, engine_options());
  auto* round = engine->function<void(u64*, u64)>("round");

  std::vector<u64> values(400), expected(400);
  for (usize i = 0; i < values.size(); ++i) values[i] = expected[i] = i;
  u64 wrong = 0, withdrawn = 0;
  workers::share_all(true);
  for (u64 n = 0; n < rounds; ++n) {
    const usize size = 1 + n * 7919 % values.size();
    round(values.data(), size);
    for (usize i = 0; i < size; ++i) expected[i] = mix(expected[i]);
    wrong += values != expected;
    if (n % 500 == 499) {
      for (const auto& function : engine->functions())
        if (function->tier.load() != Tier::Interp && !function->rest) {
          engine->withdraw(*function);
          ++withdrawn;
        }
      if (n % 2000 == 1999) sleep_a_while();
    }
  }
  CHECK(wrong == 0);
  CHECK(withdrawn > 0);

  // Nobody waits for the answers of workers that are asleep: sooner or later, all of it comes free.
  for (int tries = 0; tries < 2000 && engine->retired_bytes() != 0; ++tries) {
    engine->reclaim();
    sleep_a_while();
  }
  CHECK(engine->retired_bytes() == 0);

  const u64 pieces = workers::counts().pieces;
  const u64 calls = calls_of(test::state_of(*engine, "body").profile);
  std::printf("%u cores: %lu rounds, %lu pieces, %lu calls of body counted, %lu withdrawn\n",
              workers::core_count(), rounds, pieces, calls, withdrawn);
  return test::failures == 0 ? 0 : 1;
}
