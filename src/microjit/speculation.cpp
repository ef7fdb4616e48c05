// Speculation: what has been seen of a function goes to the compiler, and what it made of that is
// taken back where it stops being true.
//
// A version with guards stands in front of one without, which takes the calls whose guards fail and
// counts them. That one still counts its heat, so the engine hears of it.
#include "microjit/compile.h"
#include "microjit/interp/code.h"
#include "microjit/microjit.h"

namespace bf::microjit {

namespace {

bool has_guards(const CompiledCode& code) {
  for (const CodeRelocation& r : code.relocations)
    if (r.kind == RelocKind::GuardFailures) return true;
  return false;
}

}  // namespace

// What the passes may know for a version of that tier. Under the lock.
CompileFacts Engine::facts_for(FunctionState& state, Tier tier) {
  CompileFacts facts;
  if (options_.policy != TierPolicy::Auto || tier <= Tier::Baseline) return facts;
  facts.functions.resize(functions_.size());  // with continuations, which have indices too
  for (usize n = 0; n < facts.functions.size(); ++n)
    facts.functions[n] = {calls_of(functions_[n]->profile), self_cycles_of(functions_[n]->profile)};
  if (tier >= Tier::Specialised) facts.targets = call_targets(state);
  // The calls whose guards fail need a compiled version to go to: this one's entry leads back here.
  const Version* const generic = state.generic ? state.generic.get() : state.version.get();
  if (tier >= Tier::Specialised && !state.wrong_guess && generic)
    facts.arguments = state.arguments.constants();
  return facts;
}

// Where the function's indirect calls went while it was interpreted, or the function that it is the
// rest of. A call that is to be trusted has a continuation for when it should not have been.
std::vector<passes::CallTarget> Engine::call_targets(FunctionState& state) {
  std::vector<passes::CallTarget> out;
  const FunctionState& whole = state.whole ? *state.whole : state;
  const interp::Code* const code = whole.code.load(std::memory_order_acquire);
  if (!code) return out;
  for (const auto& site : code->calls) {
    if (!site->target) continue;
    if (!state.whole) {
      add_target(state, site->origin, *site, out);
      continue;
    }
    for (u32 n = 0; n < state.origins.size(); ++n)  // there may be several copies
      if (state.origins[n] == site->origin) add_target(state, n, *site, out);
  }
  return out;
}

void Engine::add_target(FunctionState& state, u32 instruction, const interp::CallSite& site,
                        std::vector<passes::CallTarget>& out) {
  const ir::Function& f = *state.function;
  const bool varies = state.calls_vary || (state.whole && state.whole->calls_vary);
  u64 misses = site.misses + varies;
  u32 block = 0;
  while (instruction >= f.blocks[block].first_instruction + f.blocks[block].instruction_count)
    ++block;
  if (misses == 0 && !continuation(state, block, instruction - f.blocks[block].first_instruction))
    misses = 1;
  for (const ir::Function& callee : module_.functions)
    if (functions_[callee.index]->stub == site.target)
      out.push_back({f.index, instruction, callee.index, site.hits, misses});
}

// Guards need somewhere to go where they fail; what there was may have been evicted meanwhile.
Result<void> Engine::check_guards_locked(const FunctionState& state,
                                         const CompiledCode& code) const {
  if (!has_guards(code) || state.generic || state.version) return {};
  return Error::format("its version without guards is gone");
}

// The version without guards, for publish_locked: it stays when a version with guards comes.
void Engine::keep_generic_locked(FunctionState& state, const CompiledCode& code) {
  if (!has_guards(code)) {
    if (state.generic) retire(std::move(state.generic));
    return;
  }
  if (!state.generic) state.generic = std::move(state.version);
  BF_ASSERT(state.generic != nullptr);
}

// Called with the arguments of a call whose function's heat is used up; under the lock.
void Engine::observe_locked(FunctionState& state, const u64* general_arguments) {
  if (general_arguments) state.arguments.sample(*state.type, general_arguments);
  if (!state.generic || state.guard_failures < kMostGuardFailures) return;
  // Wrong, and not only now and then: back to the version without guards, for good.
  state.wrong_guess = true;
  state.lead_to(state.generic->entry, state.generic->tier);
  state.code_bytes = state.generic->code_bytes;
  std::swap(state.version, state.generic);
  retire(std::move(state.generic));
  start_countdown(state, options_.thresholds);
}

}  // namespace bf::microjit
