// The one place where a function of the program becomes code: which tier is compiled by what.
//
//   auto code = compile(module, function, Tier::Baseline, {.features = features});
//   if (!code) log(code.error());   // the slot stays as it was
//
// Pure: it reads the verified module and touches nothing else, so any core may call it at any time.
#pragma once

#include "microjit/passes/passes.h"

namespace bf::microjit {

// What has been seen while the program ran (passes/passes.h).
struct CompileFacts {
  std::vector<passes::FunctionFacts> functions;
  std::vector<passes::CallTarget> targets;
  std::vector<passes::ConstantArgument> arguments;
};

struct CompileOptions {
  platform::CpuFeatures features;
  bool profile = true;  // count calls and cycles
  bool heat = false;    // count down the function's heat, for promotions
  CompileFacts facts{};
};

// `tier` must have a compiler (tier_policy.h).
Result<CompiledCode> compile(const ir::Module& module, const ir::Function& function, Tier tier,
                             const CompileOptions& options);

}  // namespace bf::microjit
