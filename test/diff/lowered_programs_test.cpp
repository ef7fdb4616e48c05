// The programs of programs/: compiled natively into this test (the oracle), and lowered to IR from
// what clang makes of them at several levels of optimisation, interpreted and compiled by the
// baseline tier, as they are and after the passes. Same arguments in the same order, same results.
//
//   lowered-programs IMAGE...
#include <dlfcn.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "microjit/ir/image.h"
#include "microjit/microjit.h"
#include "microjit/optimise.h"
#include "microjit/support/support.h"

namespace {

using namespace bf;
using microjit::Engine;
using microjit::TierPolicy;
using Test = u64(u64, u64);

// ---- What the programs import ------------------------------------------------------------------

extern "C" u64 import_mix(u32 a, i8 b, double c, const u64* p) {
  return (a * u64{31} + static_cast<u64>(static_cast<i64>(b))) ^ static_cast<u64>(c) ^ *p;
}
extern "C" void import_visit(u64 n, void (*visit)(void* context, u64 i), void* context) {
  for (u64 i = 0; i < n; ++i) visit(context, i);
}
extern "C" u64 import_call_variadic(u64 (*f)(int, ...), u64 a, u64 b) {
  return f(1, a) ^ f(8, a, b, a, b, u64{5}, u64{6}, b, a);
}
struct Big {
  u64 values[4];
  double d;
};
struct Odd {
  char bytes[37];
};
struct Huge {
  u32 words[150];
};
struct Pair {
  u64 x;
  double y;
};
struct alignas(16) Aligned {
  u64 x, y, z;
};
using Wide = unsigned __int128;
extern "C" u64 import_structures(Big big, u64 n, Odd odd, Pair pair, Aligned aligned, Wide wide,
                                 double d) {
  u64 sum = n ^ static_cast<u64>(wide >> 64) ^ (static_cast<u64>(wide) * 3);
  for (const u64 v : big.values) sum = sum * 7 + v;
  for (const char c : odd.bytes) sum = sum * 7 + static_cast<u64>(c);
  return sum + static_cast<u64>(big.d == d) + pair.x * 5 + static_cast<u64>(pair.y == d) +
         aligned.x * 3 + aligned.y + aligned.z + (reinterpret_cast<u64>(&aligned) & 15);
}
extern "C" Big import_big(u64 a, double d) { return {{a, a * 2, a * 3, ~a}, d}; }
extern "C" u64 import_huge(int skipped, Huge huge, u64 a) {
  for (const u32 w : huge.words) a = a * 31 + w;
  return a + static_cast<u64>(skipped);
}
extern "C" u64 import_take(u64 (*take)(Big, Pair, Aligned, int, Wide), u64 a, u64 b) {
  return take({{a, b, a * b, 4}, 0.5}, {b, 2.5}, {b, 1, a}, static_cast<int>(a), Wide{a} * b);
}
extern "C" u64 import_wide(u64 (*f)(u64, u64, u64, u64, u64, Wide, u64, Wide), u64 a, u64 b) {
  return f(a, b, 3, 4, 5, Wide{a} << 64 | b, a * b, Wide{b} << 64 | 7);
}
// Runs it in so many threads at once.
extern "C" void import_in_threads(u64 count, void (*run)(void* context, u64 i), void* context) {
  std::vector<std::thread> threads;
  for (u64 i = 0; i < count; ++i) threads.emplace_back(run, context, i);
  for (std::thread& t : threads) t.join();
}
extern "C" u64 import_value = 4711;

const void* import_address(std::string_view name) {
  const struct {
    std::string_view name;
    const void* address;
  } kLibrary[] = {{"import_mix", reinterpret_cast<const void*>(&import_mix)},
                  {"import_visit", reinterpret_cast<const void*>(&import_visit)},
                  {"import_call_variadic", reinterpret_cast<const void*>(&import_call_variadic)},
                  {"import_structures", reinterpret_cast<const void*>(&import_structures)},
                  {"import_big", reinterpret_cast<const void*>(&import_big)},
                  {"import_huge", reinterpret_cast<const void*>(&import_huge)},
                  {"import_take", reinterpret_cast<const void*>(&import_take)},
                  {"import_wide", reinterpret_cast<const void*>(&import_wide)}};
  for (const auto& entry : kLibrary)
    if (entry.name == name) return entry.address;
  if (const void* const address = microjit::support_function(name)) return address;
  return dlsym(RTLD_DEFAULT, std::string(name).c_str());
}

// ---- Arguments and expected results ------------------------------------------------------------

struct Call {
  u64 a, b, want;
};
struct Case {
  std::string name;
  std::vector<Call> calls;
};

std::vector<Call> arguments() {
  constexpr u64 kEdges[] = {0,
                            1,
                            2,
                            3,
                            5,
                            7,
                            8,
                            31,
                            32,
                            63,
                            64,
                            127,
                            128,
                            255,
                            256,
                            0x7fff,
                            0x8000,
                            0xffff,
                            0x7fffffff,
                            0x80000000,
                            0xffffffff,
                            0x100000000,
                            0x7fffffffffffffff,
                            0x8000000000000000,
                            ~u64{0},
                            ~u64{0} - 1};
  std::vector<Call> calls;
  std::mt19937_64 random(7);
  for (const u64 a : kEdges)
    for (const u64 b : kEdges)
      if (a == b || random() % 4 == 0) calls.push_back({a, b, 0});
  for (int i = 0; i < 150; ++i)
    calls.push_back({random() >> random() % 64, random() >> random() % 64, 0});
  return calls;
}

// Every exported test_* of the image, with what the native function of that name gives.
std::vector<Case> make_cases(const ir::Module& module) {
  std::vector<Case> cases;
  for (const ir::Function& f : module.functions) {
    const std::string name(module.name(f));
    if (!f.exported || !name.starts_with("test_")) continue;
    Case c{name, arguments()};
    auto* const native = reinterpret_cast<Test*>(dlsym(RTLD_DEFAULT, name.c_str()));
    if (!native) {
      std::fprintf(stderr, "%s is not linked into the test\n", name.c_str());
      std::exit(1);
    }
    for (Call& call : c.calls) call.want = native(call.a, call.b);
    cases.push_back(std::move(c));
  }
  return cases;
}

// ---- Running -----------------------------------------------------------------------------------

Result<ir::Module> load(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  return ir::read_image({reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
}

struct Way {
  const char* name;
  TierPolicy policy;
  platform::CpuFeatures features;
  bool passes = false;  // what the passes of the highest tier leave
};

std::vector<Way> ways() {
  const platform::CpuFeatures all = platform::cpu_features();
  std::vector<Way> list{{"interp", TierPolicy::Interp, all},
                        {"baseline sse2", TierPolicy::Baseline, {}}};
  if (all.avx2) list.push_back({"baseline", TierPolicy::Baseline, all});
  list.push_back({"passes, interp", TierPolicy::Interp, all, true});
  list.push_back({"passes, baseline", TierPolicy::Baseline, all, true});
  return list;
}

// The number of tests that failed.
int run_way(const char* image, const Way& way, const std::vector<Case>& cases) {
  auto module = load(image);
  std::vector<std::string> names;
  std::vector<microjit::NamedAddress> imports;
  for (const ir::Import& i : module->imports) {
    const std::string_view name = module->string(i.name);
    imports.push_back({name, import_address(name)});
  }
  // The names are the module's, which moves: keep copies.
  names.reserve(imports.size());
  for (auto& i : imports) i.name = names.emplace_back(i.name);
  microjit::EngineOptions options;
  options.policy = way.policy;
  options.features = way.features;
  options.log = false;
  if (way.passes) {
    const ir::Module before = *module;
    for (ir::Function& f : module->functions)
      f = microjit::optimise(
          before, before.functions[f.index],
          {.tier = microjit::Tier::Tuned, .features = way.features, .verify_each = true});
  }
  auto engine = Engine::create(std::move(*module), imports, options);
  if (!engine) {
    std::printf("%s, %s: %s\n", image, way.name, engine.error().message());
    return 1;
  }
  if (auto* const construct = (*engine)->function<void()>("bf_constructors")) construct();
  int failed = 0;
  for (const Case& c : cases) {
    auto* const function = (*engine)->function<Test>(c.name);
    for (const Call& call : c.calls) {
      const u64 got = function(call.a, call.b);
      if (got == call.want) continue;
      std::printf("%s, %s: %s(0x%llx, 0x%llx) = 0x%llx, native 0x%llx\n", image, way.name,
                  c.name.c_str(), static_cast<unsigned long long>(call.a),
                  static_cast<unsigned long long>(call.b), static_cast<unsigned long long>(got),
                  static_cast<unsigned long long>(call.want));
      ++failed;
      break;
    }
  }
  return failed;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return std::fprintf(stderr, "usage: lowered-programs IMAGE...\n"), 2;
  auto first = load(words[1]);
  if (!first) return std::fprintf(stderr, "%s: %s\n", words[1], first.error().message()), 1;
  const std::vector<Case> cases = make_cases(*first);
  int failed = 0;
  for (int i = 1; i < count; ++i)
    for (const Way& way : ways()) failed += run_way(words[i], way, cases);
  std::printf("%zu tests, %d images, %d failures\n", cases.size(), count - 1, failed);
  return failed != 0 || cases.empty();
}
