#include "microjit/compile.h"

#include "microjit/tier_policy.h"
#include "microjit/tiers/baseline.h"

namespace bf::microjit {

Result<CompiledCode> compile(const ir::Module& module, const ir::Function& function, Tier tier,
                             const CompileOptions& options) {
  BF_ASSERT(has_compiler(tier));
  return compile_baseline(
      module, function,
      {.features = options.features, .profile = options.profile, .heat = options.heat});
}

}  // namespace bf::microjit
