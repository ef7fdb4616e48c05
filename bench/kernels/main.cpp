// Does the JIT earn its place? Each kernel as the engine publishes it on this machine, beside the same
// sources compiled ahead of time for it, a version in intrinsics, and llama.cpp's.
//
//   kernels-bench PROGRAM.bfir [--isa NAME] [--formats A,B] [--quick] [--log] [--ggml FOLDER]
//
// Writes JSON. All versions run in this one process and thread, in turn, on the same data; times are
// medians, ratios medians over the turns. Status 1 if a version computes something else.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <optional>

#include "../intrinsics/intrinsics.h"
#include "cases.h"
#include "ggml.h"
#include "inference/kernels/kernels.h"
#include "microjit/ir/image.h"
#include "microjit/microjit.h"
#include "runtime/cpu_features.h"
#include "runtime/program_imports.h"

namespace {

using namespace bf;
using bench::Case;
using microjit::Engine;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "error: %s\n", what);
  std::exit(1);
}

struct Options {
  const char* program = nullptr;
  const char* ggml = nullptr;
  std::string formats;
  bool quick = false;
  bool log = false;  // of the engine: what it chooses, and why
  platform::CpuFeatures features = platform::cpu_features();
};

Options parse(int count, char** words) {
  Options o;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    const auto value = [&] { return ++i < count ? words[i] : ""; };
    if (word == "--quick")
      o.quick = true;
    else if (word == "--log")
      o.log = true;
    else if (word == "--formats")
      o.formats = value();
    else if (word == "--ggml")
      o.ggml = value();
    else if (word == "--isa") {
      if (!cap_cpu_features(o.features, value())) fail("no such instruction set");
    } else {
      o.program = words[i];
    }
  }
  if (o.program) return o;
  std::fprintf(stderr,
               "usage: kernels-bench PROGRAM.bfir [--isa NAME] [--formats A,B] [--quick] [--log] [--ggml FOLDER]\n");
  std::exit(2);
}

std::unique_ptr<Engine> make_engine(const Options& options) {
  std::ifstream in(options.program, std::ios::binary);
  const std::vector<char> image{std::istreambuf_iterator<char>(in), {}};
  auto module = ir::read_image({reinterpret_cast<const u8*>(image.data()), image.size()});
  if (!module) fail(module.error().message());
  std::vector<microjit::NamedAddress> imports;
  for (const ProgramImport& i : program_imports()) imports.push_back({i.name, i.address});
  microjit::EngineOptions how;
  how.features = options.features;
  how.log = options.log;
  auto engine = Engine::create(std::move(*module), imports, how);
  if (!engine) fail(engine.error().message());
  return std::move(*engine);
}

// ---- Versions ----------------------------------------------------------------------------------

// The same sources, compiled for this machine by the compiler that compiled this.
const void* ahead_of_time(std::string_view kernel) {
  struct Named {
    std::string_view name;
    const void* address;
  };
#define BF_KERNEL(name) {#name, reinterpret_cast<const void*>(inference::name)},
#define BF_FORMAT(name, id, elements, bytes, activations, matmul, ...) BF_KERNEL(matmul)
#define BF_FORMAT_WITHOUT_KERNEL(name, id)
  static const Named kAll[] = {
#include "inference/formats.def"
      BF_KERNEL(attention) BF_KERNEL(attention_q8_0) BF_KERNEL(geglu) BF_KERNEL(rmsnorm) BF_KERNEL(softmax) BF_KERNEL(rope) BF_KERNEL(swiglu)
          BF_KERNEL(add) BF_KERNEL(quantize_q8)};
#undef BF_FORMAT
#undef BF_FORMAT_WITHOUT_KERNEL
#undef BF_KERNEL
  for (const Named& n : kAll)
    if (n.name == kernel) return n.address;
  return nullptr;
}

const void* intrinsics(std::string_view kernel, const platform::CpuFeatures& f) {
  if (f.avx512f && f.avx512bw && f.avx512dq && f.avx512vl && f.avx512vnni)
    return bench::avx512vnni::find(kernel);
  return f.avx2 && f.fma && f.f16c ? bench::avx2::find(kernel) : nullptr;
}

struct Way {
  const char* name;
  const void* kernel = nullptr;  // null: ggml's
  std::vector<float> result{};
  std::vector<double> seconds{};  // of a call, turn by turn
  bool agrees = true;
};

// ---- Time --------------------------------------------------------------------------------------

class Bench {
 public:
  Bench(const Options& options, Engine& engine, bench::Ggml* ggml)
      : options_(options), engine_(engine), ggml_(ggml) {}

  // A line of JSON. False if somebody disagrees.
  bool measure(Case& c) {
    std::vector<Way> ways = ways_of(c);
    if (!options_.quick) empty_caches();
    for (Way& way : ways) warm_up(c, way);
    compare(c, ways);
    time(c, ways);
    write(c, ways);
    return std::all_of(ways.begin(), ways.end(), [](const Way& w) { return w.agrees; });
  }

 private:
  std::vector<Way> ways_of(const Case& c) {
    std::vector<Way> ways = {{"jit", engine_.address(c.kernel)}, {"aot", ahead_of_time(c.kernel)}};
    if (const void* kernel = intrinsics(c.kernel, options_.features))
      ways.push_back({"intrinsics", kernel});
    for (const Way& way : ways)
      if (!way.kernel) fail("a kernel is missing");
    if (ggml_ && ggml_->prepare(c.ggml())) ways.push_back({"ggml"});
    return ways;
  }

  void call(Case& c, const Way& way) {
    if (way.kernel)
      c.call(way.kernel);
    else
      ggml_->run();
  }

  static double now() {
    static const double second = static_cast<double>(platform::ticks_per_second());
    return static_cast<double>(platform::ticks()) / second;
  }

  const microjit::FunctionState& state_of(const Case& c) const {
    for (const auto& state : engine_.functions())
      if (engine_.module().name(*state->function) == c.kernel) return *state;
    fail("a kernel is missing");
  }

  // The engine chooses by its first calls: their weights come from where the case says.
  static void empty_caches() {
    constexpr usize kBytes = usize{192} << 20;
    std::vector<u8> other(kBytes, 1);
    u64 sum = 0;
    for (usize i = 0; i < kBytes; i += 64) sum += other[i] = static_cast<u8>(i);
    asm volatile("" : : "r"(sum) : "memory");
  }

  // Until the engine has nothing better any more, or does not get there in time.
  void warm_up(Case& c, const Way& way) {
    constexpr int kTrials = 64, kClimbing = 12'000;
    const double enough = thread_time() + (options_.quick ? 0.2 : 10.0);
    const bool climbs = std::strcmp(way.name, "jit") == 0;
    const auto& state = state_of(c);
    const int calls = !climbs ? 2 : state.is_tuned() ? kTrials : kClimbing;
    for (int i = 0; i < calls && (i < 2 || thread_time() < enough); ++i) {
      c.renew();
      call(c, way);
    }
  }

  void compare(Case& c, std::vector<Way>& ways) {
    for (Way& way : ways) {
      c.renew();
      call(c, way);
      way.result = way.kernel ? c.result() : ggml_->result();
      // llama.cpp rounds activations otherwise.
      const double most = way.kernel ? c.tolerance() : 0.03;
      double greatest = 0, difference = 0;
      for (usize i = 0; i < way.result.size(); ++i) {
        const double want = static_cast<double>(ways[0].result[i]), got = static_cast<double>(way.result[i]);
        greatest = std::max(greatest, std::fabs(want));
        difference = std::max(difference, std::fabs(want - got));
        way.agrees = way.agrees && std::isfinite(got);
      }
      way.agrees = way.agrees && difference <= most * greatest;
    }
  }

  // What this thread has had of the processor. Reading it takes a while.
  static double thread_time() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
  }

  // The least of some readings in a row: what reading the clock takes.
  template <class Clock>
  static double reading(Clock clock) {
    double least = 1;
    for (int i = 0; i < 1000; ++i) {
      const double start = clock();
      least = std::min(least, clock() - start);
    }
    return least;
  }

  // Seconds of a call. In place, each call is timed by itself.
  double sample(Case& c, const Way& way, int calls) {
    static const double reading_now = reading(now), reading_thread_time = reading(thread_time);
    c.renew();
    call(c, way);
    if (!c.in_place) {
      const double start = thread_time();
      for (int i = 0; i < calls; ++i) call(c, way);
      return (thread_time() - start - reading_thread_time) / calls;
    }
    double sum = 0;
    for (int i = 0; i < calls; ++i) {
      c.renew();
      const double start = now();
      call(c, way);
      sum += now() - start - reading_now;
    }
    return sum / calls;
  }

  void time(Case& c, std::vector<Way>& ways) {
    const double once = std::max(sample(c, ways[0], 4), 1e-9);
    const double turn = 60e-6, all = options_.quick ? 1e-3 : 0.15;
    const int calls = std::clamp(static_cast<int>(turn / once), 1, 1000);
    const int turns = std::clamp(static_cast<int>(all / (once * calls)), options_.quick ? 3 : 15, 301);
    for (int t = 0; t < turns; ++t)
      for (Way& way : ways) way.seconds.push_back(sample(c, way, calls));
  }

  static double median(std::vector<double> x) {
    std::nth_element(x.begin(), x.begin() + static_cast<long>(x.size() / 2), x.end());
    return x[x.size() / 2];
  }

  void write(const Case& c, const std::vector<Way>& ways) {
    static constexpr const char* kLimits[] = {"read_gb_s", "cache_gb_s", "int8_gops", "f32_gflops"};
    std::printf("%s\n  {\"kernel\": \"%s\", \"case\": \"%s\", \"bytes\": %.0f, \"operations\": %.0f, "
                "\"limit\": \"%s\", \"tier\": \"%s\", \"versions\": {",
                first_ ? "" : ",", c.kernel.c_str(), c.what.c_str(), c.bytes, c.operations,
                kLimits[static_cast<u8>(c.limit)], microjit::tier_name(state_of(c).tier));
    first_ = false;
    for (const Way& way : ways) {
      std::vector<double> ratios;
      for (usize t = 0; t < way.seconds.size(); ++t) ratios.push_back(way.seconds[t] / ways[0].seconds[t]);
      std::printf("%s\"%s\": {\"ns\": %.1f, \"times\": %.4f, \"agrees\": %s}", &way == &ways[0] ? "" : ", ",
                  way.name, 1e9 * median(way.seconds), median(ratios), way.agrees ? "true" : "false");
    }
    std::printf("}}");
    std::fflush(stdout);
  }

  const Options& options_;
  Engine& engine_;
  bench::Ggml* ggml_;
  bool first_ = true;
};

}  // namespace

int main(int count, char** words) {
  const Options options = parse(count, words);
  const auto engine = make_engine(options);
  auto ggml = options.ggml ? bench::Ggml::load(options.ggml) : std::nullopt;
  if (options.ggml && !ggml) fail("llama.cpp's library cannot be loaded");
  Bench bench(options, *engine, ggml ? &*ggml : nullptr);
  const auto cases = bench::all_cases(options.quick ? bench::Sizes::tiny() : bench::Sizes::real(), options.formats);
  if (cases.empty()) fail("there is no such format");
  bool agree = true;
  std::printf("[");
  for (const bench::MakeCase& make : cases) agree = bench.measure(*make()) && agree;
  std::printf("\n]\n");
  if (!agree) std::fprintf(stderr, "error: versions do not agree\n");
  return agree ? 0 : 1;
}
