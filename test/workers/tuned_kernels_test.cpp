// Kernels with hand-written emitters on several cores: plans are tried, versions published and taken back
// while workers are inside the function; every result is right, and the same under ThreadSanitizer.
//
//   tuned-kernels-test THREADS [ROUNDS]
//
// The program has a matrix product of its own, by the name that the emitter knows: element by element, as
// matmul_f32 of src/inference adds them up.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "microjit/autotuner.h"
#include "../support/checks.h"
#include "engine_on_workers.h"
#include "start.h"

namespace {

using namespace bf;
using namespace bf::microjit;

constexpr const char* kProgram = R"(
import @bf_parallel_for (i64, i64, i64, ptr, ptr) -> ()
func @matmul_f32 (ptr, ptr, ptr, i64, i64, i64, i64) -> () {
b0(%out: ptr, %weights: ptr, %x: ptr, %columns: i64, %rows: i64, %tokens: i64, %stride: i64):
  %up: i64 = add %columns, i64 15
  %row_floats: i64 = and %up, i64 -16
  br b1(i64 0)
b1(%row: i64):
  %more_rows: i1 = ult %row, %rows
  br_if %more_rows, b2, b7
b2:
  %group: i64 = lshr %row, i64 4
  %lane: i64 = and %row, i64 15
  %units: i64 = mul %group, %columns
  %group_at: ptr = index %weights, %units * 64
  %first: ptr = index %group_at, %lane * 4
  br b3(i64 0)
b3(%token: i64):
  %skipped: i64 = mul %token, %row_floats
  %values: ptr = index %x, %skipped * 4
  br b4(i64 0, f32 0.0)
b4(%c: i64, %sum: f32):
  %w_at: ptr = index %first, %c * 64
  %w: f32 = load %w_at align 4
  %v_at: ptr = index %values, %c * 4
  %v: f32 = load %v_at align 4
  %product: f32 = fmul %w, %v
  %total: f32 = fadd %sum, %product
  %next: i64 = add %c, i64 1
  %more: i1 = ult %next, %columns
  br_if %more, b4(%next, %total), b5
b5:
  %out_skipped: i64 = mul %token, %stride
  %out_row: ptr = index %out, %out_skipped * 4
  %to: ptr = index %out_row, %row * 4
  store %total, %to align 4
  %next_token: i64 = add %token, i64 1
  %more_tokens: i1 = ult %next_token, %tokens
  br_if %more_tokens, b3(%next_token), b6
b6:
  %next_row: i64 = add %row, i64 1
  br b1(%next_row)
b7:
  ret
}
func @groups (ptr, i64, i64) -> () {
b0(%product: ptr, %first: i64, %last: i64):
  %out: ptr = load %product align 8
  %weights: ptr = load %product + 8 align 8
  %x: ptr = load %product + 16 align 8
  %columns: i64 = load %product + 24 align 8
  %tokens: i64 = load %product + 32 align 8
  %stride: i64 = load %product + 40 align 8
  %units: i64 = mul %first, %columns
  %from: ptr = index %weights, %units * 64
  %to: ptr = index %out, %first * 64
  %count: i64 = sub %last, %first
  %rows: i64 = shl %count, i64 4
  call @matmul_f32(%to, %from, %x, %columns, %rows, %tokens, %stride)
  ret
}
func @multiply (ptr, i64) -> () {
b0(%product: ptr, %count: i64):
  %body: ptr = func_addr @groups
  call_import @bf_parallel_for(i64 0, %count, i64 1, %body, %product)
  ret
}
)";

// As the program has it.
struct Product {
  float* out;
  const float* weights;
  const float* x;
  u64 columns, tokens, stride;
};

constexpr u64 kGroups = 12, kRows = kGroups * 16;

class Case {
 public:
  Case(u64 columns, u64 tokens) : columns_(columns), tokens_(tokens) {
    const u64 row = (columns + 15) / 16 * 16;
    weights_.resize(kRows * columns);
    x_.resize(row * tokens);
    for (usize i = 0; i < weights_.size(); ++i) weights_[i] = static_cast<float>(i % 97) * 0.37f - 11;
    for (usize i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(i % 89) * 0.11f - 3;
    out_.resize(kRows * tokens);
    want_.resize(out_.size());
    for (u64 t = 0; t < tokens; ++t)
      for (u64 r = 0; r < kRows; ++r) {
        float sum = 0;
        for (u64 c = 0; c < columns; ++c) {
          const float product = weights_[(r / 16 * columns + c) * 16 + r % 16] * x_[t * row + c];
          sum += product;
        }
        want_[t * kRows + r] = sum;
      }
  }

  bool is_right(void (*multiply)(const Product*, u64)) {
    out_.assign(out_.size(), -1.0f);
    const Product product{out_.data(), weights_.data(), x_.data(), columns_, tokens_, kRows};
    multiply(&product, kGroups);
    return std::memcmp(out_.data(), want_.data(), out_.size() * sizeof(float)) == 0;
  }

 private:
  u64 columns_, tokens_;
  std::vector<float> weights_, x_, out_, want_;
};

EngineOptions engine_options() {
  EngineOptions options;
  options.log = false;
  options.features = platform::cpu_features();
  return options;
}

// Shapes come by one after the other, so that some are being tried while others have been published.
// Returns how often the function was taken back to the interpreter.
u64 run(Engine& engine, std::vector<Case>& cases, u64 rounds) {
  FunctionState& state = test::state_of(engine, "matmul_f32");
  CHECK(state.tuning != nullptr);
  auto* multiply = engine.function<void(const Product*, u64)>("multiply");
  u64 wrong = 0, withdrawn = 0;
  for (u64 n = 0; n < rounds; ++n) {
    const u64 known = 1 + n * cases.size() / rounds;
    wrong += !cases[n % known].is_right(multiply);
    if (n % 32 != 31 || state.tier.load() != Tier::Tuned) continue;
    engine.withdraw(state);
    ++withdrawn;
  }
  CHECK(wrong == 0);
  CHECK(state.is_tuned());
  for (u64 n = 0; n < 64; ++n) CHECK(cases[n % cases.size()].is_right(multiply));
  CHECK(state.tier.load() == Tier::Tuned);
  return withdrawn;
}

}  // namespace

int main(int count, char** words) {
  test::start("tuned-kernels-test", count, words);
  const u64 rounds = count > 2 ? std::strtoull(words[2], nullptr, 10) : 2000;
  if (emit::best_set(platform::cpu_features()) == emit::Set::None) {
    std::printf("no emitters for this machine\n");
    return 77;  // skipped
  }
  std::vector<Case> cases;
  for (const u64 columns : {32, 48, 86})
    for (const u64 tokens : {1, 3, 9}) cases.emplace_back(columns, tokens);
  // All of them before the first one shares anything (workers.h).
  std::vector<std::unique_ptr<Engine>> engines(4);
  for (auto& engine : engines) engine = test::make_engine(kProgram, engine_options());
  workers::share_all(true);
  u64 withdrawn = 0;
  for (auto& engine : engines) withdrawn += run(*engine, cases, rounds / engines.size());
  CHECK(withdrawn > 0);
  std::printf("%u cores: %lu rounds, %lu withdrawn\n", workers::core_count(), rounds, withdrawn);
  return test::failures == 0 ? 0 : 1;
}
