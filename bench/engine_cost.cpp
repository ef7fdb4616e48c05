// What a program costs the engine: ticks to compile each function in each tier, and memory.
// Built only for `./bareflow bench jit`.
//
//   engine-cost tiers                     the tiers there are, a name a line
//   engine-cost compile TIER N FILE.bfir  JSON: nanoseconds per function, the least of N times
//   engine-cost memory TIER FILE.bfir     JSON: bytes after loading, and after compiling everything
//
// Nothing of the program runs, so what it imports may be missing here. Compiling the same function
// N times and keeping the least leaves out caches that are cold and pages that are touched first.
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>

#include "microjit/ir/image.h"
#include "microjit/microjit.h"

namespace {

using namespace bf;
using namespace bf::microjit;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "engine-cost: %s\n", what);
  std::exit(1);
}

ir::Module load(const char* path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  auto module = ir::read_image({reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
  if (!module) fail(module.error().message());
  return std::move(*module);
}

std::unique_ptr<Engine> make_engine(const char* path, usize code_bytes) {
  ir::Module module = load(path);
  static const char nothing = 0;
  std::vector<NamedAddress> imports;
  for (const ir::Import& import : module.imports)
    imports.push_back({module.string(import.name), &nothing});
  auto engine =
      Engine::create(std::move(module), imports,
                     {.policy = TierPolicy::Interp, .log = false, .code_bytes = code_bytes});
  if (!engine) fail(engine.error().message());
  return std::move(*engine);
}

Tier parse_tier(std::string_view name) {
  const auto at = std::find(std::begin(kTierNames), std::end(kTierNames), name);
  if (at == std::end(kTierNames)) fail("no such tier");
  return static_cast<Tier>(at - std::begin(kTierNames));
}

int tiers() {
  std::puts("interp");
  for (u32 t = 1; t < kTierCount; ++t)
    if (has_compiler(static_cast<Tier>(t))) std::puts(kTierNames[t]);
  std::puts("auto");
  return 0;
}

// ---- Time --------------------------------------------------------------------------------------

// The least ticks of `times` compilations, or 0 if the tier does not take the function.
u64 least_ticks(Engine& engine, FunctionState& state, Tier tier, int times) {
  u64 least = ~u64{0};
  for (int i = 0; i < times; ++i) {
    const u64 before = state.compile_ticks;
    if (!engine.promote(state, tier)) return 0;
    least = std::min(least, state.compile_ticks - before);
  }
  return least;
}

int compile(Tier tier, int times, const char* path) {
  const auto engine = make_engine(path, usize{256} << 20);
  const double ns_per_tick = 1e9 / static_cast<double>(platform::ticks_per_second());
  std::printf("{\"functions\": [");
  const char* separator = "\n";
  for (const auto& state : engine->functions()) {
    const std::string_view name = engine->module().name(*state->function);
    const u64 ticks = least_ticks(*engine, *state, tier, times);
    std::printf("%s  {\"name\": \"%.*s\", \"instructions\": %zu, \"ns\": %.0f, \"bytes\": %u}",
                separator, static_cast<int>(name.size()), name.data(),
                state->function->instructions.size(), static_cast<double>(ticks) * ns_per_tick,
                state->code_bytes);
    separator = ",\n";
  }
  std::printf("\n]}\n");
  return 0;
}

// ---- Memory ------------------------------------------------------------------------------------

// Bytes of this process that are in memory now.
long long resident_bytes() {
  std::ifstream in("/proc/self/statm");
  long long pages = 0, resident = 0;
  in >> pages >> resident;
  return resident * static_cast<long long>(platform::kPageBytes);
}

int memory(Tier tier, const char* path) {
  const long long before = resident_bytes();
  const auto engine = make_engine(path, usize{64} << 20);
  const long long loaded = resident_bytes();
  unsigned long long instructions = 0, code = 0, compiled = 0;
  for (const auto& state : engine->functions()) {
    instructions += state->function->instructions.size();
    if (tier == Tier::Interp || !engine->promote(*state, tier)) continue;
    code += state->code_bytes;
    ++compiled;
  }
  std::printf(
      "{\"functions\": %zu, \"instructions\": %llu, \"compiled\": %llu,\n"
      " \"load_bytes\": %lld, \"compile_bytes\": %lld,\n"
      " \"code_bytes\": %llu, \"code_cache_bytes\": %zu}\n",
      engine->functions().size(), instructions, compiled, loaded - before,
      resident_bytes() - loaded, code, engine->code_cache().used_bytes());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  if (what == "tiers" && count == 2) return tiers();
  if (what == "compile" && count == 5)
    return compile(parse_tier(words[2]), std::atoi(words[3]), words[4]);
  if (what == "memory" && count == 4) return memory(parse_tier(words[2]), words[3]);
  std::fprintf(
      stderr,
      "usage: engine-cost compile TIER N FILE.bfir, or engine-cost memory TIER FILE.bfir\n");
  return 2;
}
