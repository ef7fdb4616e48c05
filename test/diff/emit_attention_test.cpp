// Emitted attention, over both kinds of caches, against the portable kernels compiled natively;
// alone, and as the autotuner publishes it.
#include "emit_support.h"
#include "inference/kernels/kernels.h"
#include "microjit/emit/attention.h"

namespace {

using namespace bf;
using namespace bf::emit_test;
using microjit::emit::AttentionSize;
using microjit::emit::KernelPlan;

// The caches: what attention and attention_q8_0 are called with.
struct Halves {
  static constexpr const char* kName = "attention";
  static constexpr u64 kColumns = 16;  // that heads are a multiple of
  using Element = u16;
  static u64 elements(u64 rows, u64 head_dim) { return rows * head_dim; }
  static constexpr auto kAttention = inference::attention;
  static constexpr auto kStoreKey = inference::store_key;
  static constexpr auto kStoreValue = inference::store_value;
};
struct Q8 {
  static constexpr const char* kName = "attention_q8_0";
  static constexpr u64 kColumns = 32;
  using Element = u8;
  static u64 elements(u64 rows, u64 head_dim) { return rows * head_dim / 32 * 34; }
  static constexpr auto kAttention = inference::attention_q8_0;
  static constexpr auto kStoreKey = inference::store_key_q8_0;
  static constexpr auto kStoreValue = inference::store_value_q8_0;
};

// Random numbers for attention, and what it should make of them.
template <class Cache>
struct AttentionCase {
  using Element = typename Cache::Element;
  using Function = void(float*, const float*, const Element*, const Element*, float*, u64, u64, u64,
                        u64, float);

  AttentionCase(u64 positions_, u64 queries_, u64 head_dim_)
      : positions(positions_), queries(queries_), head_dim(head_dim_) {
    std::normal_distribution<float> normal;
    const u64 rows = (positions + 15) / 16 * 16;
    keys.resize(Cache::elements(rows, head_dim));
    values.resize(Cache::elements(rows, head_dim) + 64);
    std::vector<float> row(head_dim);
    for (u64 p = 0; p < positions; ++p)
      for (const bool is_key : {true, false}) {
        for (float& x : row) x = normal(random_source());
        if (is_key)
          Cache::kStoreKey(keys.data(), row.data(), p, head_dim);
        else
          Cache::kStoreValue(values.data(), row.data(), p, head_dim);
      }
    query.resize(queries * head_dim);
    for (float& x : query) x = 3 * normal(random_source());
    want = run(Cache::kAttention);
  }
  std::vector<float> run(Function* kernel) const {
    const u64 rows = (positions + 15) / 16 * 16;
    std::vector<float> out(queries * head_dim + 16, 7.0f), scores(queries * rows + 16);
    // As the program has it, on a multiple of 64 bytes.
    float* aligned = scores.data() + (64 - reinterpret_cast<u64>(scores.data()) % 64) / 4 % 16;
    kernel(out.data(), query.data(), keys.data(), values.data(), aligned, positions, queries,
           head_dim, head_dim, 0.125f);
    return out;
  }

  u64 positions, queries, head_dim;
  std::vector<Element> keys, values;
  std::vector<float> query, want;
};

TEMPLATE_TEST_CASE("emitted attention, positions, queries and sizes of heads", "", Halves, Q8) {
  using Case = AttentionCase<TestType>;
  for (const u64 head_dim : {16, 32, 64, 80, 96, 128, 256})
    for (const u64 queries : {1, 2, 3, 4, 5, 7, 8, 9, 13, 16}) {
      if (head_dim % TestType::kColumns != 0) continue;
      if (head_dim == 256 && queries > 9) continue;
      for (const auto& target : targets()) {
        const auto kernel = microjit::emit::make_kernel(TestType::kName, target.set);
        REQUIRE(kernel);
        const KernelPlan plan{.shape = {AttentionSize(head_dim, queries).packed()}};
        auto code = kernel->emit({&plan, 1}, target);
        REQUIRE(code);
        const Installed installed(*code);
        for (const u64 positions : {1, 2, 15, 16, 17, 31, 100, 259}) {
          INFO(TestType::kName << ", " << microjit::emit::set_name(target.set) << ", " << head_dim
                               << ", " << queries << " queries, " << positions << " positions");
          const Case c(positions, queries, head_dim);
          CHECK(c.run(installed.kernel<typename Case::Function>()) == c.want);
        }
        elsewhere_calls = 0;
        const Case other(3, queries + 1, head_dim);
        other.run(installed.kernel<typename Case::Function>());
        CHECK(elsewhere_calls == 1);
      }
    }
}

TEMPLATE_TEST_CASE("the autotuner publishes attention", "", Halves, Q8) {
  using Case = AttentionCase<TestType>;
  for (const Set set : sets()) {
    const auto engine = make_engine(TierPolicy::Auto, set);
    auto* kernel = engine->function<typename Case::Function>(TestType::kName);
    for (const u64 queries : {1, 8})
      for (const u64 positions : {1, 40, 17}) {
        const Case c(positions, queries, 64);
        for (int round = 0; round < 8; ++round) CHECK(c.run(kernel) == c.want);
      }
    CHECK(state_of(*engine, TestType::kName).tier == microjit::Tier::Tuned);
    CHECK(state_of(*engine, TestType::kName).is_tuned());
  }
}

TEST_CASE("a kernel without a fitting emitter climbs the tiers") {
  const AttentionCase<Halves> c(20, 4, 8);
  for (const Set set : sets())
    for (const TierPolicy policy : {TierPolicy::Auto, TierPolicy::Tuned}) {
      const auto engine = make_engine(policy, set);
      auto* kernel = engine->function<AttentionCase<Halves>::Function>("attention");
      for (int round = 0; round < 400; ++round) REQUIRE(c.run(kernel) == c.want);
      CHECK_FALSE(state_of(*engine, "attention").is_tuned());
      CHECK(state_of(*engine, "attention").tier > microjit::Tier::Interp);
    }
}

}  // namespace
