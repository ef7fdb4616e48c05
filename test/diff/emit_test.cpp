// What the hand-written emitters of matrix products make, against the portable kernels compiled natively;
// and the autotuner, which puts it into the slots of a running program.
#include <cctype>
#include <thread>

#include "../support/random_weights.h"
#include "emit_support.h"
#include "inference/formats.h"
#include "inference/kernels/kernels.h"
#include "inference/pack.h"
#include "microjit/emit/matmul.h"

namespace {

using namespace bf;
using namespace bf::emit_test;
using inference::Format;
using microjit::emit::EmitOptions;
using microjit::emit::KernelPlan;
using microjit::emit::Matmul;

std::string kernel_name(const Format& format) {
  std::string name = "matmul_";
  for (const char c : format.name) name += static_cast<char>(std::tolower(c));
  return name;
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

// Intel SDM volume 2, VPDPBUSD: VEX.256.66.0F38.W0 50 /r; EVEX.256 likewise.
TEST_CASE("AVX-VNNI's instruction is encoded as the manual says") {
  using namespace microjit::emit;
  const auto bytes_of = [](bool evex) {
    asmjit::CodeHolder code;
    REQUIRE(code.init(asmjit::Environment(asmjit::Arch::kX64)) == asmjit::kErrorOk);
    Simd s(Set::AvxVnni, code);
    if (evex) s.use_evex_dot();
    s.dot_word(V{1}, V{2}, x86::ptr(x86::rdi), V{11});
    const asmjit::CodeBuffer& buffer = code.sectionById(0)->buffer();
    return std::vector<u8>(buffer.data(), buffer.data() + buffer.size());
  };
  // vpbroadcastd ymm11, [rdi]; vpdpbusd ymm1, ymm2, ymm11
  const std::vector<u8> broadcast{0xc4, 0x62, 0x7d, 0x58, 0x1f};
  std::vector<u8> vex = broadcast, evex = broadcast;
  vex.insert(vex.end(), {0xc4, 0xc2, 0x6d, 0x50, 0xcb});
  evex.insert(evex.end(), {0x62, 0xd2, 0x6d, 0x28, 0x50, 0xcb});
  CHECK(bytes_of(false) == vex);
  CHECK(bytes_of(true) == evex);
}

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
        const Product product(format, columns, tokens == 1 ? 96 : 32, tokens);
        for (const EmitOptions& target : targets()) {
          const auto matmul = Matmul::find(kernel_name(format));
          REQUIRE(matmul);
          const u32 most = matmul->most_tokens(target.set);
          REQUIRE(most >= 2);
          for (const u32 tile : {1u, 2u, most - 1, most}) {
            INFO(kernel_name(format) << " " << microjit::emit::set_name(target.set) << ", " << columns
                                     << " columns, " << tokens << " tokens, tile " << tile);
            const KernelPlan plans[] = {{{columns, tokens, tokens}, tile, 0},
                                        {{columns, tokens, tokens}, tile, 1},
                                        {{columns, 1}, tile, 1024},
                                        {{columns, tokens, tokens}, tile, 4096, 2},
                                        {{columns, tokens, tokens}, tile, 4096, 2, 2},
                                        {{columns, 1}, tile, 1, 1, 4},
                                        {{columns, 1, 1}, 1, 2048, 1, 1, 2},
                                        {{columns, 1, 1}, 1, 0, 1, 2, 3},
                                        {{columns, 1, 1}, 1, 2048, 1, 1, 4},
                                        {{columns, 2}, tile, 0}};
            for (const KernelPlan& plan : plans) {
              if (!plan.shape.covers({columns, tokens})) continue;
              auto code = matmul->emit({&plan, 1}, target);
              REQUIRE(code);
              product.run(Installed(*code).kernel<MatmulFunction>());
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
    product.run(installed.kernel<MatmulFunction>());
    for (const Product* p : {&other, &fewer}) {
      elsewhere_calls = 0;
      std::vector<float> out(32, 7.0f);
      installed.kernel<MatmulFunction>()(out.data(), p->weights.data(), p->activations, p->columns, 16, p->tokens, 16);
      CHECK(elsewhere_calls == 1);
      CHECK(out[0] == 7.0f);
    }
  }
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
      for (int round = 0; round < 100; ++round)
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

TEST_CASE("kernels that nobody asks for are ordinary functions") {
  for (const TierPolicy policy :
       {TierPolicy::Interp, TierPolicy::Baseline, TierPolicy::Optimising, TierPolicy::Specialised})
    CHECK(state_of(*make_engine(policy, Set::Avx2), "matmul_q4_0").tuning == nullptr);
  CHECK(state_of(*make_engine(TierPolicy::Auto, Set::None), "matmul_q4_0").tuning == nullptr);
}

}  // namespace
