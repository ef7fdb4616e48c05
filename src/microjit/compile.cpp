#include "microjit/compile.h"

#include "microjit/resume.h"
#include "microjit/tier_policy.h"
#include "microjit/tiers/baseline.h"

namespace bf::microjit {

CompileJob::CompileJob(const ir::Module& module, const ir::Function& function, Tier tier,
                       CompileOptions options)
    : module_(module), function_(function), options_(std::move(options)) {
  BF_ASSERT(has_compiler(tier));
  if (tier == Tier::Baseline) return;
  passes_.emplace(module, function,
                  OptimiseOptions{.tier = tier,
                                  .features = options_.features,
                                  .profile = options_.profile,
                                  .heat = options_.heat && static_cast<u32>(tier) + 1 < kTierCount,
                                  .functions = options_.facts.functions,
                                  .targets = options_.facts.targets,
                                  .arguments = options_.facts.arguments});
}

bool CompileJob::step() {
  if (code_) return false;
  if (passes_ && passes_->step()) return true;
  code_.emplace(passes_ ? passes_->generate() : compile_baseline_tier());
  return true;
}

Result<CompiledCode> CompileJob::take() {
  BF_ASSERT(code_.has_value());
  return std::move(*code_);
}

Result<CompiledCode> CompileJob::compile_baseline_tier() const {
  const BaselineOptions baseline{
      .features = options_.features, .profile = options_.profile, .heat = options_.heat};
  const u32 type = options_.heat ? resume_type(module_, function_) : ~0u;
  if (type == ~0u || !has_back_edges(function_))
    return compile_baseline(module_, function_, baseline);
  return compile_baseline(module_, with_loop_polls(module_, function_, type), baseline);
}

Result<CompiledCode> compile(const ir::Module& module, const ir::Function& function, Tier tier,
                             const CompileOptions& options) {
  CompileJob job(module, function, tier, options);
  while (job.step()) {}
  return job.take();
}

}  // namespace bf::microjit
