// What the tests of emitters share: instruction sets of this machine, emitted code where it can
// run, engines of the program for a set.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "microjit/autotuner.h"
#include "microjit/code_cache.h"
#include "microjit/ir/image.h"
#include "microjit/microjit.h"
#include "runtime/program_imports.h"

namespace bf::emit_test {

using microjit::Engine;
using microjit::TierPolicy;
using microjit::emit::Set;

inline std::mt19937_64& random_source() {
  static std::mt19937_64 random(4);
  return random;
}

// The sets of this machine.
inline std::vector<Set> sets() {
  const platform::CpuFeatures f = platform::cpu_features();
  std::vector<Set> all;
  if (f.avx2 && f.fma && f.f16c) all.push_back(Set::Avx2);
  if (f.avxvnni) all.push_back(Set::AvxVnni);
  if (f.avx512bw && f.avx512dq && f.avx512vl) all.push_back(Set::Avx512);
  if (f.avx512bw && f.avx512dq && f.avx512vl && f.avx512vnni) all.push_back(Set::Avx512Vnni);
  return all;
}

// How code is emitted that this machine can run: for its own sets, and for AVX-VNNI with the other
// encoding of its instruction, which is AVX512-VNNI's.
inline std::vector<microjit::emit::EmitOptions> targets() {
  std::vector<microjit::emit::EmitOptions> all;
  for (const Set set : sets()) all.push_back({.set = set});
  const platform::CpuFeatures f = platform::cpu_features();
  if (!f.avxvnni && f.avx512vnni && f.avx512vl)
    all.push_back({.set = Set::AvxVnni, .evex_dot = true});
  return all;
}

inline platform::CpuFeatures features_of(Set set) {
  platform::CpuFeatures f = platform::cpu_features();
  if (set <= Set::AvxVnni) f.avx512f = f.avx512bw = f.avx512dq = f.avx512vl = f.avx512vnni = false;
  if (set == Set::Avx512) f.avx512vnni = false;
  if (set == Set::Avx2) f.avxvnni = false;
  if (set == Set::None) f.avx2 = f.fma = false;
  return f;
}

// Calls that emitted code has no plan for.
inline u32 elsewhere_calls = 0;
inline void elsewhere() {
  ++elsewhere_calls;
}

// Emitted code somewhere it can run; calls of other shapes end up in elsewhere().
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
    entry_ = *entry;
  }
  template <class Function>
  Function* kernel() const {
    return reinterpret_cast<Function*>(const_cast<u8*>(entry_));
  }

 private:
  microjit::CodeCache cache_;
  const u8* entry_;
};

inline std::unique_ptr<Engine> make_engine(TierPolicy policy, Set set, bool profile = true) {
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

inline const microjit::FunctionState& state_of(const Engine& engine, std::string_view name) {
  return *engine.functions()[static_cast<usize>(engine.module().find_function(name))];
}

}  // namespace bf::emit_test
