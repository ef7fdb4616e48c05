// What the hand-written emitters make, against the portable kernels compiled natively; and the
// autotuner, which puts it into the slots of a running program.
#include <catch2/catch.hpp>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../support/random_weights.h"
#include "inference/formats.h"
#include "inference/kernels/kernels.h"
#include "inference/pack.h"
#include "microjit/autotuner.h"
#include "microjit/code_cache.h"
#include "microjit/emit/matmul.h"
#include "microjit/ir/image.h"
#include "microjit/microjit.h"
#include "runtime/program_imports.h"

namespace {

using namespace bf;
using inference::Format;
using microjit::Engine;
using microjit::TierPolicy;
using microjit::emit::KernelPlan;
using microjit::emit::Matmul;
using microjit::emit::Set;

std::mt19937_64& random_source() {
  static std::mt19937_64 random(4);
  return random;
}

std::string kernel_name(const Format& format) {
  std::string name = "matmul_";
  for (const char c : format.name) name += static_cast<char>(std::tolower(c));
  return name;
}

// The sets of this machine.
std::vector<Set> sets() {
  const platform::CpuFeatures f = platform::cpu_features();
  std::vector<Set> all;
  if (f.avx2 && f.fma && f.f16c) all.push_back(Set::Avx2);
  if (f.avxvnni) all.push_back(Set::AvxVnni);
  if (f.avx512bw && f.avx512dq && f.avx512vl) all.push_back(Set::Avx512);
  if (f.avx512bw && f.avx512dq && f.avx512vl && f.avx512vnni) all.push_back(Set::Avx512Vnni);
  return all;
}

platform::CpuFeatures features_of(Set set) {
  platform::CpuFeatures f = platform::cpu_features();
  if (set <= Set::AvxVnni) f.avx512f = f.avx512bw = f.avx512dq = f.avx512vl = f.avx512vnni = false;
  if (set == Set::Avx512) f.avx512vnni = false;
  if (set == Set::Avx2) f.avxvnni = false;
  if (set == Set::None) f.avx2 = f.fma = false;
  return f;
}

// A product with random numbers, and what it should be.
struct Product {
  Product(const Format& f, u64 columns_, u64 rows_, u64 tokens_)
      : format(f), columns(columns_), rows(rows_), tokens(tokens_), want(rows * tokens) {
    std::normal_distribution<float> normal;
    std::vector<u8> plain(rows * f.row_bytes(columns));
    for (u8& b : plain) b = static_cast<u8>(random_source()());
    for (u64 at = 0; at < plain.size(); at += f.block_bytes)
      test::sensible_scales(f, plain.data() + at, [&] { return normal(random_source()); });
    weights.resize(plain.size());
    const u64 group_bytes = 16 * f.row_bytes(columns);
    for (u64 at = 0; at < plain.size(); at += group_bytes)
      inference::pack_group(weights.data() + at, plain.data() + at, f, columns);

    const u64 stride = (columns + 15) / 16 * 16, q8_bytes = inference::q8_row_bytes(columns);
    floats = static_cast<float*>(std::aligned_alloc(64, (stride * tokens * 4 + 63) / 64 * 64));
    std::memset(floats, 0, stride * tokens * 4);
    for (u64 i = 0; i < stride * tokens; ++i)
      if (i % stride < columns) floats[i] = normal(random_source());
    q8.resize(q8_bytes * tokens);
    const bool quantised = f.activations == inference::Activations::Q8;
    for (u64 t = 0; quantised && t < tokens; ++t)
      inference::quantize_q8(q8.data() + t * q8_bytes, floats + t * stride, columns);
    activations = quantised ? static_cast<const void*>(q8.data()) : floats;
    f.matmul(want.data(), weights.data(), activations, columns, rows, tokens, rows);
  }
  ~Product() { std::free(floats); }

  // The same bits: dot products are exact, and the order of everything else is laid down.
  void check(const std::vector<float>& got) const {
    CHECK(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)) == 0);
  }

  template <class Kernel>
  void run(Kernel* kernel) const {
    const u64 stride = rows + 16;
    std::vector<float> out(stride * tokens, 7.0f), got(rows * tokens);
    kernel(out.data(), weights.data(), activations, columns, rows, tokens, stride);
    for (u64 t = 0; t < tokens; ++t) {
      for (u64 r = 0; r < rows; ++r) got[t * rows + r] = out[t * stride + r];
      for (u64 r = rows; r < stride; ++r) REQUIRE(out[t * stride + r] == 7.0f);
    }
    check(got);
  }

  const Format& format;
  u64 columns, rows, tokens;
  std::vector<float> want;
  std::vector<u8> weights, q8;
  float* floats;
  const void* activations;
};

using MatmulFunction = void(float*, const u8*, const void*, u64, u64, u64, u64);

// Emitted code somewhere it can run; calls of other shapes end up in `elsewhere`.
u32 elsewhere_calls = 0;
void elsewhere(float*, const u8*, const void*, u64, u64, u64, u64) { ++elsewhere_calls; }

class Installed {
 public:
  explicit Installed(const microjit::CompiledCode& code)
      : cache_(std::move(*microjit::CodeCache::create(usize{1} << 20))) {
    static const void* first_entry = reinterpret_cast<const void*>(&elsewhere);
    auto entry = cache_.install(
        code,
        [](void*, const microjit::CodeRelocation& r) {
          REQUIRE(r.kind == microjit::RelocKind::FirstEntry);
          return reinterpret_cast<u64>(&first_entry);
        },
        nullptr);
    REQUIRE(entry);
    kernel_ = reinterpret_cast<MatmulFunction*>(const_cast<u8*>(*entry));
  }
  MatmulFunction* kernel() const { return kernel_; }

 private:
  microjit::CodeCache cache_;
  MatmulFunction* kernel_;
};

TEST_CASE("every format has emitters") {
  for (const Format& format : inference::formats()) {
    INFO(kernel_name(format));
    CHECK(microjit::emit::make_kernel(kernel_name(format), Set::Avx2) != nullptr);
    CHECK(microjit::emit::make_kernel(kernel_name(format), Set::None) == nullptr);
  }
  CHECK(microjit::emit::make_kernel("matmul_", Set::Avx2) == nullptr);
}

TEST_CASE("emitted products, every format, set and tile") {
  for (const Format& format : inference::formats())
    for (const u64 blocks : {1, 3, 43})
      for (const u64 tokens : {1, 2, 3, 4, 5, 7, 13, 25}) {
        if (blocks == 43 && format.block_elements > 2) continue;  // 43 or 86 floats
        const u64 columns = blocks * format.block_elements;
        const Product product(format, columns, 32, tokens);
        for (const Set set : sets()) {
          const auto matmul = Matmul::find(kernel_name(format));
          REQUIRE(matmul);
          const u32 most = matmul->most_tokens(set);
          REQUIRE(most >= 2);
          for (const u32 tile : {1u, 2u, most - 1, most}) {
            INFO(kernel_name(format) << " " << microjit::emit::set_name(set) << ", " << columns
                                     << " columns, " << tokens << " tokens, tile " << tile);
            const KernelPlan plans[] = {{{columns, tokens, tokens}, tile, 0},
                                        {{columns, tokens, tokens}, tile, 1},
                                        {{columns, 1}, tile, 1024},
                                        {{columns, tokens, tokens}, tile, 4096, 2},
                                        {{columns, 2}, tile, 0}};
            for (const KernelPlan& plan : plans) {
              if (tokens < plan.shape.least) continue;
              auto code = matmul->emit({&plan, 1}, {.set = set});
              REQUIRE(code);
              product.run(Installed(*code).kernel());
            }
          }
        }
      }
}

TEST_CASE("calls of other shapes go elsewhere") {
  const Format& format = *inference::find_format(2);  // Q4_0
  const Product product(format, 64, 16, 2), other(format, 96, 16, 2), fewer(format, 64, 16, 1);
  for (const Set set : sets()) {
    const KernelPlan plan{{64, 2, 2}, 2, 0};
    auto code = Matmul::find("matmul_q4_0")->emit({&plan, 1}, {.set = set});
    REQUIRE(code);
    const Installed installed(*code);
    product.run(installed.kernel());
    for (const Product* p : {&other, &fewer}) {
      elsewhere_calls = 0;
      std::vector<float> out(32, 7.0f);
      installed.kernel()(out.data(), p->weights.data(), p->activations, p->columns, 16, p->tokens, 16);
      CHECK(elsewhere_calls == 1);
      CHECK(out[0] == 7.0f);
    }
  }
}

std::unique_ptr<Engine> make_engine(TierPolicy policy, Set set, bool profile = true) {
  const char* path = std::getenv("BAREFLOW_PROGRAM");
  REQUIRE(path != nullptr);
  std::ifstream in(path, std::ios::binary);
  const std::vector<u8> image{std::istreambuf_iterator<char>(in), {}};
  auto module = ir::read_image(image);
  REQUIRE(module);
  std::vector<microjit::NamedAddress> imports;
  for (const ProgramImport& i : program_imports()) imports.push_back({i.name, i.address});
  microjit::EngineOptions options;
  options.policy = policy;
  options.features = features_of(set);
  options.profile = profile;
  options.log = false;
  auto engine = Engine::create(std::move(*module), imports, options);
  REQUIRE(engine);
  return std::move(*engine);
}

const microjit::FunctionState& state_of(const Engine& engine, std::string_view name) {
  return *engine.functions()[static_cast<usize>(engine.module().find_function(name))];
}

TEST_CASE("the autotuner publishes what it has chosen") {
  const Format& format = *inference::find_format(8);  // Q8_0
  const Product one(format, 96, 48, 1), some(format, 96, 48, 40), wide(format, 160, 32, 3);
  for (const Set set : sets())
    for (const bool profile : {true, false}) {
      const auto engine = make_engine(TierPolicy::Auto, set, profile);
      const auto& state = state_of(*engine, "matmul_q8_0");
      REQUIRE(state.tuning != nullptr);
      auto* kernel = engine->function<MatmulFunction>("matmul_q8_0");
      CHECK(state.tier == microjit::Tier::Interp);
      for (int round = 0; round < 40; ++round)
        for (const Product* p : {&one, &some, &wide}) p->run(kernel);
      CHECK(state.tier == microjit::Tier::Tuned);
      CHECK(state.tuning->variants.size() == 3);
      for (const auto& v : state.tuning->variants)
        CHECK(v->stage == microjit::Variant::Stage::Settled);
      // The reference runs a piece of a call for each plan, which the interpreter counts.
      if (profile) CHECK(microjit::calls_of(state.profile) >= 120);
      // Taken out of its slot, it comes back.
      engine->withdraw(*engine->functions()[static_cast<usize>(
          engine->module().find_function("matmul_q8_0"))]);
      CHECK(state.tier == microjit::Tier::Interp);
      for (const Product* p : {&one, &some, &wide}) p->run(kernel);
      CHECK(state.tier == microjit::Tier::Tuned);
    }
}

TEST_CASE("several threads tune together") {
  const Format& format = *inference::find_format(2);  // Q4_0
  const Product one(format, 128, 64, 1), some(format, 128, 64, 9);
  for (const Set set : sets()) {
    const auto engine = make_engine(TierPolicy::Auto, set);
    auto* kernel = engine->function<MatmulFunction>("matmul_q4_0");
    std::atomic<u32> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int round = 0; round < 200; ++round)
          for (const Product* p : {&one, &some}) {
            std::vector<float> out(p->want.size());
            kernel(out.data(), p->weights.data(), p->activations, p->columns, p->rows, p->tokens,
                   p->rows);
            if (std::memcmp(out.data(), p->want.data(), out.size() * sizeof(float)) != 0) ++wrong;
          }
      });
    for (auto& t : threads) t.join();
    CHECK(wrong == 0);
    CHECK(state_of(*engine, "matmul_q4_0").tier == microjit::Tier::Tuned);
  }
}

// Random numbers for attention, and what it should make of them.
struct AttentionCase {
  AttentionCase(u64 positions_, u64 queries_, u64 head_dim_)
      : positions(positions_), queries(queries_), head_dim(head_dim_) {
    std::normal_distribution<float> normal;
    const u64 rows = (positions + 15) / 16 * 16;
    keys.resize(rows * head_dim);
    values.resize(rows * head_dim + 16);
    std::vector<float> row(head_dim);
    for (u64 p = 0; p < positions; ++p)
      for (const bool is_key : {true, false}) {
        for (float& x : row) x = normal(random_source());
        if (is_key)
          inference::store_key(keys.data(), row.data(), p, head_dim);
        else
          inference::store_value(values.data(), row.data(), p, head_dim);
      }
    query.resize(queries * head_dim);
    for (float& x : query) x = 3 * normal(random_source());
    want = run(inference::attention);
  }
  template <class Kernel>
  std::vector<float> run(Kernel* kernel) const {
    const u64 rows = (positions + 15) / 16 * 16;
    std::vector<float> out(queries * head_dim), scores(queries * rows + 16);
    // As the program has it, on a multiple of 64 bytes.
    float* aligned = scores.data() + (64 - reinterpret_cast<u64>(scores.data()) % 64) / 4 % 16;
    kernel(out.data(), query.data(), keys.data(), values.data(), aligned, positions, queries,
           head_dim, head_dim, 0.125f);
    return out;
  }

  u64 positions, queries, head_dim;
  std::vector<u16> keys, values;
  std::vector<float> query, want;
};
using AttentionFunction = void(float*, const float*, const u16*, const u16*, float*, u64, u64, u64,
                               u64, float);

TEST_CASE("emitted attention, few and many positions, queries and sizes of heads") {
  for (const u64 head_dim : {16, 64, 80, 128})
    for (const u64 queries : {1, 2, 7, 8, 9, 16}) {
      for (const Set set : sets()) {
        const auto engine = make_engine(TierPolicy::Auto, set);
        auto* kernel = engine->function<AttentionFunction>("attention");
        for (const u64 positions : {1, 2, 15, 16, 17, 31, 100, 259}) {
          INFO(microjit::emit::set_name(set) << ", " << head_dim << ", " << queries << " queries, "
                                             << positions << " positions");
          const AttentionCase c(positions, queries, head_dim);
          for (int round = 0; round < 8; ++round) CHECK(c.run(kernel) == c.want);
        }
        CHECK(state_of(*engine, "attention").tier == microjit::Tier::Tuned);
        CHECK(state_of(*engine, "attention").is_tuned());
      }
    }
}

TEST_CASE("a kernel without a fitting emitter climbs the tiers") {
  const AttentionCase c(20, 4, 8);
  for (const Set set : sets())
    for (const TierPolicy policy : {TierPolicy::Auto, TierPolicy::Tuned}) {
      const auto engine = make_engine(policy, set);
      auto* kernel = engine->function<AttentionFunction>("attention");
      for (int round = 0; round < 400; ++round) REQUIRE(c.run(kernel) == c.want);
      CHECK_FALSE(state_of(*engine, "attention").is_tuned());
      CHECK(state_of(*engine, "attention").tier > microjit::Tier::Interp);
    }
}

TEST_CASE("kernels that nobody asks for are ordinary functions") {
  for (const TierPolicy policy :
       {TierPolicy::Interp, TierPolicy::Baseline, TierPolicy::Optimising, TierPolicy::Specialised})
    CHECK(state_of(*make_engine(policy, Set::Avx2), "matmul_q4_0").tuning == nullptr);
  CHECK(state_of(*make_engine(TierPolicy::Auto, Set::None), "matmul_q4_0").tuning == nullptr);
}

}  // namespace
