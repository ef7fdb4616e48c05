// An engine whose programs share work with other cores.
//
//   const auto engine = make_engine(kText, options);  // log and all else as the options say
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "microjit/ir/text.h"
#include "microjit/microjit.h"
#include "runtime/workers.h"

namespace test {

template <class T>
T value_or_end(bf::Result<T> result) {
  if (result) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message());
  std::exit(1);
}

inline std::unique_ptr<bf::microjit::Engine> make_engine(const char* text,
                                                         const bf::microjit::EngineOptions& options) {
  using namespace bf::microjit;
  const NamedAddress imports[] = {
      {"bf_parallel_for", reinterpret_cast<const void*>(bf::workers::parallel_for)}};
  return value_or_end(Engine::create(value_or_end(bf::ir::parse_text(text)), imports, options));
}

inline bf::microjit::FunctionState& state_of(const bf::microjit::Engine& engine, const char* name) {
  return *engine.functions()[static_cast<bf::usize>(engine.module().find_function(name))];
}

}  // namespace test
