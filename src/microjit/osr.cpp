// On-stack replacement: a function that goes round a loop for long does not wait for its next call.
// It leaves for a continuation (resume.h) that a better tier has compiled.
#include "microjit/entries.h"
#include "microjit/microjit.h"
#include "microjit/resume.h"

namespace bf::microjit {

namespace {

// Continuations have places in the table of functions, which must not move while others read it.
constexpr usize kMostContinuations = 1024;

Tier best_tier() {
  Tier best = Tier::Interp;
  for (u8 t = 0; t < kTierCount; ++t)
    if (has_compiler(static_cast<Tier>(t))) best = static_cast<Tier>(t);
  return best;
}

}  // namespace

void Engine::reserve_continuations() {
  functions_.reserve(module_.functions.size() + kMostContinuations);
  function_pointers_.reserve(module_.functions.size() + kMostContinuations);
}

// Asked where heat is used up on a back edge, by the interpreter or by baseline code. What leaves
// from baseline code leaves for the best tier there is: it will not come by again.
const void* Engine::on_poll(FunctionState& state, u32 header, Tier running) {
  state.heat.store(kAgainHeat, std::memory_order_relaxed);
  quiescence::poll();
  if (options_.policy != TierPolicy::Auto || !lock_.try_acquire()) return nullptr;
  const Tier now = state.tier.load(std::memory_order_relaxed);
  const Tier next = climbs_to(state);
  const Tier target = running == Tier::Interp ? (next > now ? next : now) : best_tier();
  FunctionState* const rest =
      next > running || now > running ? awaited_continuation(state, header, target) : nullptr;
  if (next > now && calls_of(state.profile) > 1) request({&state, next});
  lock_.release();
  compile_slice();
  if (!rest || rest->tier.load(std::memory_order_relaxed) <= running) return nullptr;
  return rest->slot.load(std::memory_order_acquire);
}

// The continuation to leave for, which may still have to be compiled. One after the other: a loop
// in a loop comes by as often as the loop around it, and whichever was asked for first will do.
FunctionState* Engine::awaited_continuation(FunctionState& state, u32 header, Tier target) {
  const auto lacks = [](const FunctionState& rest, Tier tier) {
    return rest.tier.load(std::memory_order_relaxed) < tier &&
           (rest.failed_tiers >> static_cast<u8>(tier) & 1) == 0;
  };
  const auto& all = state.continuations;
  const bool waits = !all.empty() && all.back().instruction == 0 && lacks(*all.back().rest, target);
  FunctionState* const rest = waits ? all.back().rest : continuation(state, header, 0);
  if (rest && lacks(*rest, target)) request({rest, target, TierReason::Loop});
  return rest && rest->header == header ? rest : nullptr;
}

// Deoptimisation: a version that counted on an indirect call to go where it always went asks for
// the rest of the function as it was before. Who was wrong is not believed again.
const void* Engine::on_miss(FunctionState& state, u32 block, u32 instruction) {
  FunctionState* rest = nullptr;
  {
    LockGuard guard(lock_);
    rest = continuation(state, block, instruction);
    BF_ASSERT(rest != nullptr);  // it was made when the version was compiled
    ++state.guard_failures;
    state.calls_vary = true;
    if (state.whole) state.whole->calls_vary = true;
    const Tier now = state.tier.load(std::memory_order_relaxed);
    if (state.guard_failures == kMostGuardFailures && now != Tier::Interp)
      request({&state, now, TierReason::Calls, true});
    if (rest->tier.load(std::memory_order_relaxed) == Tier::Interp)
      request({rest, Tier::Baseline, TierReason::Miss});
  }
  compile_slice();
  return rest->slot.load(std::memory_order_acquire);
}

// The continuation of a function at a place, made at the first request; null if there can be no
// more. Under the lock.
FunctionState* Engine::continuation(FunctionState& state, u32 block, u32 instruction) {
  for (const auto& c : state.continuations)
    if (c.block == block && c.instruction == instruction) return c.rest;
  // The interpreter's stack space of variable size is its own, as are its variadic arguments.
  if ((state.function->flags & ir::kGrowsStack) || state.type->variadic) return nullptr;
  const u32 type = resume_type(module_, *state.function);
  if (functions_.size() == functions_.capacity() || type == ~0u) return nullptr;
  auto rest = std::make_unique<FunctionState>();
  rest->rest = std::make_unique<ir::Function>(
      make_continuation(module_, *state.function, resume_point(*state.function, block, instruction),
                        type, &rest->origins));
  rest->whole = state.whole ? state.whole : &state;
  if (state.whole)
    for (u32& origin : rest->origins)
      if (origin != passes::kNoOrigin) origin = state.origins[origin];
  rest->rest->index = static_cast<u32>(functions_.size());
  rest->function = rest->rest.get();
  rest->header = block;
  FunctionState* const made = add_function(std::move(rest));
  if (made) state.continuations.push_back({block, instruction, made});
  return made;
}

}  // namespace bf::microjit
