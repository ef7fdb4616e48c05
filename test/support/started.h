// Engines for tests, from IR as text; what goes wrong fails the test.
//
//   auto engine = test::started(kProgram);                 // interpreted first, climbing by heat
//   auto* f = engine->function<u64(u64)>("f");
#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <span>

#include "microjit/ir/text.h"
#include "microjit/microjit.h"

namespace bf::test {

inline ir::Module parsed(std::string_view text) {
  auto module = ir::parse_text(text);
  if (!module) FAIL(module.error().message());
  return std::move(*module);
}

inline std::unique_ptr<microjit::Engine> started(
    ir::Module module, std::span<const microjit::NamedAddress> imports = {},
    microjit::TierPolicy policy = microjit::TierPolicy::Auto) {
  auto engine =
      microjit::Engine::create(std::move(module), imports, {.policy = policy, .log = false});
  if (!engine) FAIL(engine.error().message());
  return std::move(*engine);
}
inline std::unique_ptr<microjit::Engine> started(
    std::string_view text, std::span<const microjit::NamedAddress> imports = {},
    microjit::TierPolicy policy = microjit::TierPolicy::Auto) {
  return started(parsed(text), imports, policy);
}

}  // namespace bf::test
