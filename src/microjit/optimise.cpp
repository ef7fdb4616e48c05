#include "microjit/optimise.h"

#include "microjit/ir/verify.h"
#include "microjit/tiers/codegen.h"

namespace bf::passes {

namespace {

constexpr PassInfo kPasses[] = {
#define BF_PASS(name, what) {#name, what, name},
#include "microjit/passes/passes.def"
#undef BF_PASS
};

}  // namespace

const PassInfo& pass_info(Pass pass) { return kPasses[static_cast<u8>(pass)]; }

const PassInfo* find_pass(std::string_view name) {
  for (const PassInfo& p : kPasses)
    if (name == p.name) return &p;
  return nullptr;
}

}  // namespace bf::passes

namespace bf::microjit {

namespace {

struct Step {
  passes::Pass pass;
  Tier tier;
};
constexpr Step kPipeline[] = {
#define BF_STEP(pass, tier) {passes::Pass::pass, Tier::tier},
#include "microjit/passes/pipeline.def"
#undef BF_STEP
};
constexpr u32 kStepCount = sizeof kPipeline / sizeof *kPipeline;

}  // namespace

OptimiseJob::OptimiseJob(const ir::Module& module, const ir::Function& function,
                         OptimiseOptions options)
    : module_(module),
      options_(std::move(options)),
      context_{module,           options_.features, options_.tier,
               options_.functions, options_.targets,  options_.arguments, &function},
      graph_(module, function) {}

// A pass finds in the same graph what it found before.
bool OptimiseJob::idle(passes::Pass pass) const {
  const bool looked_at = options_.observer || options_.verify_each || !options_.stop_after.empty();
  return !looked_at && idle_at_[static_cast<u8>(pass)] == changes_;
}

bool OptimiseJob::step() {
  while (next_ < kStepCount &&
         (kPipeline[next_].tier > options_.tier || idle(kPipeline[next_].pass)))
    ++next_;
  if (next_ >= kStepCount) return false;
  const passes::Pass which = kPipeline[next_++].pass;
  const passes::PassInfo& pass = passes::pass_info(which);
  if (pass.run(graph_, context_))
    ++changes_;
  else
    idle_at_[static_cast<u8>(which)] = changes_;
  BF_ASSERT(graph_.settled());
  if (options_.observer || options_.verify_each) report(pass.name);
  if (pass.name == options_.stop_after) next_ = kStepCount;
  return true;
}

void OptimiseJob::report(const char* pass) {
  const ir::Function now = graph_.to_function();
  if (options_.observer) options_.observer->after_pass(pass, module_, now);
  if (!options_.verify_each) return;
  if (auto ok = ir::verify_function(module_, now); !ok)
    BF_UNREACHABLE(Error::format("pass %s broke a function: %s", pass, ok.error().message()).message());
}

Result<CompiledCode> OptimiseJob::generate() {
  while (step()) {}
  return generate_code(module_, graph_.to_function(),
                       {.features = options_.features,
                        .quality = Quality::Best,
                        .profile = options_.profile,
                        .heat = options_.heat});
}

Result<CompiledCode> compile_optimised(const ir::Module& module, const ir::Function& function,
                                       OptimiseOptions options) {
  return OptimiseJob(module, function, std::move(options)).generate();
}

ir::Function optimise(const ir::Module& module, const ir::Function& function,
                      OptimiseOptions options) {
  OptimiseJob job(module, function, std::move(options));
  while (job.step()) {}
  return job.function();
}

}  // namespace bf::microjit
