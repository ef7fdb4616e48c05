// Emitted functions of rows (norm, rotation, activations, sums, softmax, quantisation) against the
// portable ones compiled natively: the same bits for every length, with infinities and NaNs among
// them.
#include <sys/mman.h>

#include <cmath>
#include <limits>

#include "emit_support.h"
#include "inference/kernels/kernels.h"

namespace {

using namespace bf;
using namespace bf::emit_test;
using microjit::emit::KernelPlan;

constexpr u64 kGuard = 16;  // floats behind a row that nobody may touch
constexpr float kGuardValue = 7.0f;

u64 padded(u64 count) {
  return (count + 15) / 16 * 16;
}

enum class Numbers { Normal, Large, Tiny, Special, Zero };
constexpr Numbers kNumbers[] = {Numbers::Normal, Numbers::Large, Numbers::Tiny, Numbers::Special,
                                Numbers::Zero};

float number(Numbers kind) {
  using Limits = std::numeric_limits<float>;
  static constexpr float kSpecial[] = {0.0f,
                                       -0.0f,
                                       1.0f,
                                       -1e-40f,
                                       3e38f,
                                       -3e38f,
                                       88.5f,
                                       -100.0f,
                                       Limits::infinity(),
                                       -Limits::infinity(),
                                       Limits::quiet_NaN()};
  std::normal_distribution<float> normal;
  switch (kind) {
    case Numbers::Normal:
      return normal(random_source());
    case Numbers::Large:
      return 1e18f * normal(random_source());
    case Numbers::Tiny:
      return 1e-38f * normal(random_source());
    case Numbers::Zero:
      return random_source()() % 2 == 0 ? 0.0f : -0.0f;
    case Numbers::Special:
      break;
  }
  if (random_source()() % 4 != 0) return normal(random_source());
  return kSpecial[random_source()() % std::size(kSpecial)];
}

// `count` numbers, zeroes as far as rows are padded, and the guard.
std::vector<float> row(u64 count, Numbers kind) {
  std::vector<float> x(padded(count) + kGuard, kGuardValue);
  for (u64 i = 0; i < padded(count); ++i) x[i] = i < count ? number(kind) : 0.0f;
  return x;
}

// The same bits, but for what a NaN carries (docs/ir.md).
bool same(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  for (usize i = 0; i < a.size(); ++i)
    if (!(std::isnan(a[i]) && std::isnan(b[i])) && std::memcmp(&a[i], &b[i], sizeof(float)) != 0)
      return false;
  return true;
}

// Emits the function for a length on each target, and lets `check` have it.
template <class Function, class Check>
void for_each_target(const char* name, u64 size, Check check) {
  for (const auto& target : targets()) {
    INFO(name << ", " << microjit::emit::set_name(target.set) << ", " << size);
    const auto kernel = microjit::emit::make_kernel(name, target.set);
    REQUIRE(kernel);
    const KernelPlan plan{.shape = {size}};
    auto code = kernel->emit({&plan, 1}, target);
    REQUIRE(code);
    const Installed installed(*code);
    check(installed.kernel<Function>());
  }
}

constexpr u64 kCounts[] = {1,  2,  7,  8,   15,  16,  17,  24,  31,  32,   48,  63,
                           64, 65, 80, 100, 112, 128, 160, 255, 288, 2048, 5632};

TEST_CASE("emitted rmsnorm") {
  for (const u64 count : kCounts)
    for_each_target<decltype(inference::rmsnorm)>("rmsnorm", count, [&](auto* kernel) {
      for (const Numbers kind : kNumbers) {
        const auto x = row(count, kind), weight = row(count, Numbers::Normal);
        auto want = row(count, Numbers::Normal), got = want, in_place = x;
        inference::rmsnorm(want.data(), x.data(), weight.data(), count, 1e-5f);
        kernel(got.data(), x.data(), weight.data(), count, 1e-5f);
        CHECK(same(got, want));
        kernel(in_place.data(), in_place.data(), weight.data(), count, 1e-5f);
        CHECK(same(in_place, want));
      }
    });
}

using Gated = void(float*, const float*, u64);
TEST_CASE("emitted activations and sums") {
  const std::pair<const char*, Gated*> functions[] = {
      {"swiglu", inference::swiglu}, {"geglu", inference::geglu}, {"add", inference::add}};
  for (const auto& [name, function] : functions)
    for (const u64 count : kCounts)
      for_each_target<Gated>(name, count, [&](Gated* kernel) {
        for (const Numbers kind : kNumbers) {
          auto want = row(count, kind), got = want;
          const auto y = row(count, kind);
          function(want.data(), y.data(), count);
          kernel(got.data(), y.data(), count);
          CHECK(same(got, want));
        }
      });
}

TEST_CASE("emitted softmax, rows of any length") {
  for_each_target<decltype(inference::softmax)>("softmax", 0, [](auto* kernel) {
    for (const u64 count : kCounts)
      for (const Numbers kind : kNumbers) {
        auto want = row(count, kind), got = want;
        inference::softmax(want.data(), count);
        kernel(got.data(), count);
        CHECK(same(got, want));
      }
    elsewhere_calls = 0;
    kernel(nullptr, 0);
    CHECK(elsewhere_calls == 1);
  });
}

// Memory that ends where nothing is mapped: rope's rows have no padding.
class AtTheEnd {
 public:
  explicit AtTheEnd(const std::vector<float>& numbers)
      : bytes_((numbers.size() * sizeof(float) + kPage - 1) / kPage * kPage) {
    void* at =
        mmap(nullptr, bytes_ + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    REQUIRE(at != MAP_FAILED);
    start_ = static_cast<u8*>(at);
    REQUIRE(mprotect(start_ + bytes_, kPage, PROT_NONE) == 0);
    data_ = reinterpret_cast<float*>(start_ + bytes_) - numbers.size();
    if (!numbers.empty()) std::memcpy(data_, numbers.data(), numbers.size() * sizeof(float));
  }
  AtTheEnd(const AtTheEnd&) = delete;
  ~AtTheEnd() { munmap(start_, bytes_ + kPage); }
  float* data() { return data_; }

 private:
  static constexpr usize kPage = 4096;
  usize bytes_;
  u8* start_;
  float* data_;
};

TEST_CASE("emitted rope, without padding") {
  for (const u64 count :
       {2, 4, 6, 8, 10, 14, 16, 18, 20, 26, 32, 40, 64, 66, 80, 96, 126, 128, 256})
    for_each_target<decltype(inference::rope)>("rope", count, [&](auto* kernel) {
      for (const Numbers kind : kNumbers) {
        auto x = row(count, kind);
        x.resize(count);
        const auto cosines = row(count, Numbers::Normal), sines = row(count, Numbers::Normal);
        std::vector<float> want(count);
        inference::rope(want.data(), x.data(), cosines.data(), sines.data(), count);
        AtTheEnd from(x), to(std::vector<float>(count, 7.0f));
        kernel(to.data(), from.data(), cosines.data(), sines.data(), count);
        CHECK(same({to.data(), to.data() + count}, want));
        kernel(from.data(), from.data(), cosines.data(), sines.data(), count);
        CHECK(same({from.data(), from.data() + count}, want));
      }
    });
}

TEST_CASE("emitted quantize_q8") {
  for (const u64 columns : {32, 64, 96, 128, 160, 192, 224, 256, 288, 2048, 5632})
    for_each_target<decltype(inference::quantize_q8)>("quantize_q8", columns, [&](auto* kernel) {
      for (int round = 0; round < 20; ++round)
        for (const Numbers kind : kNumbers) {
          auto x = row(columns, kind);
          // Blocks of zeroes, and of one number that is not.
          if (round % 4 == 1) std::fill(x.begin(), x.begin() + 32, 0.0f);
          if (round % 4 == 2) std::fill(x.begin() + 1, x.begin() + 32, 0.0f);
          const u64 bytes = inference::q8_row_bytes(columns);
          std::vector<u8> want(bytes + 64, 7), got = want;
          inference::quantize_q8(want.data(), x.data(), columns);
          kernel(got.data(), x.data(), columns);
          // Scales and sums of NaNs are NaNs, whose bits are nobody's business.
          const u64 blocks = columns / 32;
          for (u64 n = 0; n < 2 * blocks; ++n) {
            float a, b;
            std::memcpy(&a, want.data() + columns + n * 4, 4);
            std::memcpy(&b, got.data() + columns + n * 4, 4);
            if (std::isnan(a) && std::isnan(b)) std::memcpy(got.data() + columns + n * 4, &a, 4);
          }
          CHECK(got == want);
        }
    });
}

// Through the program's slots: several lengths in one version, others as they come by.
TEST_CASE("the autotuner publishes functions of rows") {
  for (const Set set : sets()) {
    const auto engine = make_engine(TierPolicy::Auto, set);
    auto* rmsnorm = engine->function<decltype(inference::rmsnorm)>("rmsnorm");
    auto* swiglu = engine->function<Gated>("swiglu");
    auto* softmax = engine->function<decltype(inference::softmax)>("softmax");
    auto* quantize = engine->function<decltype(inference::quantize_q8)>("quantize_q8");
    for (int round = 0; round < 20; ++round)
      for (const u64 count : {64, 96, 2048}) {
        const auto x = row(count, Numbers::Normal), weight = row(count, Numbers::Normal);
        auto want = x, got = x;
        inference::rmsnorm(want.data(), x.data(), weight.data(), count, 1e-6f);
        rmsnorm(got.data(), x.data(), weight.data(), count, 1e-6f);
        REQUIRE(same(got, want));
        inference::swiglu(want.data(), weight.data(), count);
        swiglu(got.data(), weight.data(), count);
        REQUIRE(same(got, want));
        const u64 some = count - static_cast<u64>(round);
        inference::softmax(want.data(), some);
        softmax(got.data(), some);
        REQUIRE(same(got, want));
        std::vector<u8> want_q8(inference::q8_row_bytes(count)), got_q8 = want_q8;
        inference::quantize_q8(want_q8.data(), x.data(), count);
        quantize(got_q8.data(), x.data(), count);
        REQUIRE(got_q8 == want_q8);
      }
    for (const char* name : {"rmsnorm", "swiglu", "softmax", "quantize_q8"}) {
      INFO(name << " " << microjit::emit::set_name(set));
      CHECK(state_of(*engine, name).tier == microjit::Tier::Tuned);
      CHECK(state_of(*engine, name).is_tuned());
    }
  }
}

}  // namespace
