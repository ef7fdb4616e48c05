#include "microjit/compile.h"

#include "microjit/optimise.h"
#include "microjit/resume.h"
#include "microjit/tier_policy.h"
#include "microjit/tiers/baseline.h"

namespace bf::microjit {

Result<CompiledCode> compile(const ir::Module& module, const ir::Function& function, Tier tier,
                             const CompileOptions& options) {
  BF_ASSERT(has_compiler(tier));
  if (tier != Tier::Baseline)
    return compile_optimised(module, function,
                             {.tier = tier,
                              .features = options.features,
                              .profile = options.profile,
                              .heat = options.heat && static_cast<u32>(tier) + 1 < kTierCount,
                              .functions = options.facts.functions,
                              .targets = options.facts.targets,
                              .arguments = options.facts.arguments});
  const BaselineOptions baseline{
      .features = options.features, .profile = options.profile, .heat = options.heat};
  const u32 type = options.heat ? resume_type(module, function) : ~0u;
  if (type == ~0u || !has_back_edges(function)) return compile_baseline(module, function, baseline);
  return compile_baseline(module, with_loop_polls(module, function, type), baseline);
}

}  // namespace bf::microjit
