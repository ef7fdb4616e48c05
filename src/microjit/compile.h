// The one place where a function of the program becomes code: which tier is compiled by what.
//
//   auto code = compile(module, function, Tier::Baseline, {.features = features});
//   if (!code) log(code.error());   // the slot stays as it was
//
// Or step by step, by a core that has the program to run as well:
//
//   CompileJob job(module, function, tier, options);
//   while (job.step()) {}             // one pass each; in between, whatever there is to do
//   auto code = job.take();
//
// Pure: it reads the verified module and touches nothing else, so any core may call it at any time.
#pragma once

#include <optional>

#include "microjit/optimise.h"

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

// `tier` must have a compiler (tier_policy.h). Module and function must outlive the job.
class CompileJob {
 public:
  CompileJob(const ir::Module& module, const ir::Function& function, Tier tier,
             CompileOptions options);
  CompileJob(const CompileJob&) = delete;

  // Does the next piece: a pass, or all that the baseline tier does, or code generation. False: there
  // was nothing left to do.
  bool step();
  // Once step() has said false.
  Result<CompiledCode> take();

 private:
  Result<CompiledCode> compile_baseline_tier() const;

  const ir::Module& module_;
  const ir::Function& function_;
  const CompileOptions options_;
  std::optional<OptimiseJob> passes_;  // of the tiers above baseline
  std::optional<Result<CompiledCode>> code_;
};

// The same at once.
Result<CompiledCode> compile(const ir::Module& module, const ir::Function& function, Tier tier,
                             const CompileOptions& options);

}  // namespace bf::microjit
