// The tiers and the passes against the interpreter on random IR: results and memory bit for bit
// (any NaN equals any NaN), for every instruction set that this machine has.
//
//   random-ir [SECONDS [FIRST_SEED [COUNT]]]
//   random-ir reduce SEED|FILE      a small module that still fails, as text; a file is IR text
//                                   with a function @f and data @scratch as random_ir.h has them
//
// With BAREFLOW_PASS="NAME ..." in the environment only those passes run; BAREFLOW_WAY=TEXT leaves
// the ways whose name contains the text.
//
// The seeds are the same in every run; time bounds how many there are.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "arch/host/bring_up.h"
#include "arch/host/command_line.h"
#include "microjit/ir/text.h"
#include "microjit/ir/verify.h"
#include "microjit/microjit.h"
#include "microjit/optimise.h"
#include "random_ir.h"
#include "reduce.h"

namespace {

using namespace bf;
using microjit::Engine;
using microjit::EngineOptions;
using microjit::Tier;
using microjit::TierPolicy;

struct Results {
  u64 integer;
  double number;
};
using Function = Results(i32, i64, float, double);

u64 import_function(u64 a, double b, u32 c, float d, u64 e, u64 f, u64 g, u64 h, u64 i) {
  u64 bits = 0;
  std::memcpy(&bits, &b, 8);
  u32 single = 0;
  std::memcpy(&single, &d, 4);
  return a + 3 * bits + 5 * u64{c} + 7 * u64{single} + 11 * e + 13 * f + 17 * g + 19 * h + 23 * i;
}

struct Way {
  const char* name;
  TierPolicy policy;
  platform::CpuFeatures features;
  bool profile;
  Tier passes = Tier::Interp;  // runs what the passes of this tier leave; Interp: no passes
  u32 patience = 0;            // auto: rounds and calls before a function climbs
};

std::vector<Way> ways() {
  const platform::CpuFeatures all = platform::cpu_features();
  std::vector<Way> list = {{"interp", TierPolicy::Interp, all, false},
                           {"baseline sse2", TierPolicy::Baseline, {}, false}};
  platform::CpuFeatures sse42{};
  sse42.sse3 = sse42.ssse3 = sse42.sse41 = sse42.sse42 = sse42.popcnt = true;
  if (all.sse42) list.push_back({"baseline sse4.2", TierPolicy::Baseline, sse42, true});
  platform::CpuFeatures avx2 = all;
  avx2.avx512f = avx2.avx512bw = avx2.avx512dq = avx2.avx512vl = avx2.avx512cd = false;
  avx2.avx512vbmi = avx2.avx512vnni = avx2.avx512bf16 = false;
  if (all.avx2) list.push_back({"baseline avx2", TierPolicy::Baseline, avx2, false});
  if (all.avx512bw) list.push_back({"baseline avx512", TierPolicy::Baseline, all, true});
  list.push_back({"auto", TierPolicy::Auto, all, true});
  // Loops are left in the middle, by what they have done so far.
  for (const u32 patience : {2u, 3u})
    list.push_back({"auto in loops", TierPolicy::Auto, all, true, Tier::Interp, patience});
  list.push_back({"passes of opt", TierPolicy::Interp, all, false, Tier::Optimising});
  list.push_back({"passes of spec", TierPolicy::Interp, all, false, Tier::Specialised});
  list.push_back({"passes of tuned", TierPolicy::Interp, all, false, Tier::Tuned});
  list.push_back({"passes of tuned, baseline", TierPolicy::Baseline, all, false, Tier::Tuned});
  list.push_back({"opt sse2", TierPolicy::Optimising, {}, false});
  if (all.avx2) list.push_back({"opt avx2", TierPolicy::Optimising, avx2, false});
  if (all.avx512bw) list.push_back({"opt avx512", TierPolicy::Optimising, all, false});
  if (const char* only = std::getenv("BAREFLOW_WAY"))
    std::erase_if(list,
                  [&](const Way& w) { return &w != list.data() && !std::strstr(w.name, only); });
  return list;
}

// Loops left in the middle and guards that failed there, in all ways: what nothing tests if it does
// not happen.
u64 continuations = 0;

struct Outcome {
  Results results[3];
  u8 memory[test::kScratchBytes];
};

bool same_number(double a, double b) {
  return std::memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b);
}

// Every function as the passes of the way leave it; each pass's work is verified.
void run_passes(ir::Module& module, const Way& way) {
  if (way.passes == Tier::Interp) return;
  const ir::Module before = module;
  for (ir::Function& f : module.functions) {
    if (const char* only = std::getenv("BAREFLOW_PASS")) {
      passes::Graph graph(before, before.functions[f.index]);
      std::istringstream names(only);
      for (std::string name; names >> name;) {
        const passes::PassInfo* pass = passes::find_pass(name);
        if (!pass) BF_UNREACHABLE("BAREFLOW_PASS names no pass");
        pass->run(graph, {before, way.features, way.passes, {}, {}, {}});
        f = graph.to_function();
        if (auto ok = ir::verify_function(before, f); !ok) BF_UNREACHABLE(ok.error().message());
      }
    } else {
      f = microjit::optimise(before, before.functions[f.index],
                             {.tier = way.passes, .features = way.features, .verify_each = true});
    }
  }
}

const char* run(ir::Module module, const Way& way, Outcome& outcome) {
  run_passes(module, way);
  EngineOptions options;
  options.policy = way.policy;
  options.features = way.features;
  options.profile = way.profile;
  const u32 p = way.patience;  // 0: up at every call and every round of a loop
  options.thresholds = {{0, p, 2 * p, 4 * p, 8 * p}};
  options.log = false;
  options.code_bytes = usize{1} << 20;
  const microjit::NamedAddress imports[] = {
      {"import", reinterpret_cast<const void*>(import_function)}};
  auto engine = Engine::create(std::move(module), imports, options);
  if (!engine) return "no engine";
  if (way.policy == TierPolicy::Baseline)
    for (const auto& state : (*engine)->functions())
      if (state->tier != microjit::Tier::Baseline) return "a function does not compile";
  auto* f = (*engine)->function<Function>("f");
  u8* const scratch = (*engine)->data("scratch");
  const usize functions = (*engine)->functions().size();
  // Long enough for loops to be left by "auto in loops".
  outcome.results[0] = f(1000, -1, 1.5f, -0.0);
  outcome.results[1] = f(7, 0x7fffffffffffffff, -3e9f, 1e-310);
  outcome.results[2] = f(15, 42, 0.0f, 123456789.75);
  std::memcpy(outcome.memory, scratch, sizeof outcome.memory);
  continuations += (*engine)->functions().size() - functions;
  return nullptr;
}

void print(const ir::Module& module) {
  ir::Text text;
  ir::print(module, text);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// Whether all ways agree; says what differs.
bool agree(const ir::Module& module, const char* label) {
  Outcome expected{};
  bool good = true, first = true;
  for (const Way& way : ways()) {
    Outcome got{};
    if (const char* wrong = run(module, way, first ? expected : got)) {
      std::printf("%s, %s: %s\n", label, way.name, wrong);
      return false;
    }
    if (first) {
      first = false;
      continue;
    }
    for (int n = 0; n < 3; ++n)
      if (got.results[n].integer != expected.results[n].integer ||
          !same_number(got.results[n].number, expected.results[n].number)) {
        std::printf("%s, %s: call %d gives another result\n", label, way.name, n);
        good = false;
      }
    for (u32 n = 0; n < sizeof got.memory; ++n)
      if (got.memory[n] != expected.memory[n]) {
        std::printf("%s, %s: memory differs at %u: %02x, not %02x\n", label, way.name, n,
                    got.memory[n], expected.memory[n]);
        good = false;
        break;
      }
  }
  return good;
}

bool check(u64 seed, bool show) {
  const ir::Module module = test::RandomModule(seed).build();
  char label[32];
  std::snprintf(label, sizeof label, "seed %llu", static_cast<unsigned long long>(seed));
  if (show) print(module);
  if (auto ok = ir::verify(module); !ok) {
    std::printf("%s: does not verify: %s\n", label, ok.error().message());
    return false;
  }
  return agree(module, label);
}

// In a child, since half-reduced modules may trap or never end.
bool disagrees(const ir::Module& module) {
  constexpr int kSeconds = 3, kDisagrees = 3;
  if (!ir::verify(module)) return false;
  const pid_t child = fork();
  if (child == 0) {
    std::fclose(stdout);
    alarm(kSeconds);
    _exit(agree(module, "") ? 0 : kDisagrees);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == kDisagrees;
}

// A file's module, or that of a seed.
ir::Module named_module(const char* name) {
  std::ifstream in(name);
  if (!in) return test::RandomModule(std::strtoull(name, nullptr, 0)).build();
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  auto module = ir::parse_text(text);
  if (!module) BF_UNREACHABLE(module.error().message());
  return std::move(*module);
}

}  // namespace

int main(int argc, char** argv) {
  const char* const no_arguments[] = {"random-ir"};
  host::start(1, no_arguments);
  if (argc > 2 && std::strcmp(argv[1], "reduce") == 0) {
    ir::Module module = named_module(argv[2]);
    test::reduce(module, disagrees);
    print(module);
    return agree(module, "reduced") ? 0 : 1;
  }
  // Code memory is the machine's for good, so a process can only make so many engines.
  constexpr u64 kMostModules = 2500;
  const u64 seconds = argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 15;
  const u64 first = argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 1;
  const u64 count = argc > 3 ? std::strtoull(argv[3], nullptr, 0) : kMostModules;
  constexpr u64 kNanoseconds = 1'000'000'000;
  const u64 end = platform::clock_ns() + seconds * kNanoseconds;
  u64 done = 0, failed = 0;
  for (u64 seed = first; seed - first < count && platform::clock_ns() < end; ++seed, ++done)
    if (!check(seed, count == 1) && ++failed == 20) break;
  std::printf("%llu random modules, %llu continuations, %llu failures\n",
              static_cast<unsigned long long>(done), static_cast<unsigned long long>(continuations),
              static_cast<unsigned long long>(failed));
  return failed == 0 && done > 0 ? 0 : 1;
}
