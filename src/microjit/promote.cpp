// A function gets hot, is compiled, and its new version is published.
#include "microjit/compile.h"
#include "microjit/entries.h"
#include "microjit/interp/interp.h"
#include "microjit/promotion.h"
#include "runtime/side_log.h"
#include "runtime/workers.h"

namespace bf::microjit {

void Engine::set_hooks() {
  workers::set_rest_hook([](workers::Rest rest) {
    if (rest == workers::Rest::Sleep) quiescence::leave();
    else quiescence::poll();
  });
  interp::set_hot_hook([](FunctionState& state) { state.engine->on_hot(state, nullptr); });
  set_hot_entry([](FunctionState& state, const u64* general) { state.engine->on_hot(state, general); });
  interp::set_poll_hook([](FunctionState& state, u32 header) {
    return state.engine->on_poll(state, header, Tier::Interp);
  });
  set_poll_entry([](FunctionState& state, u32 header) {
    return state.engine->on_poll(state, header, Tier::Baseline);
  });
  set_kernel_entry([](FunctionState& state, const emit::KernelCall& call) {
    state.engine->on_kernel(state, call);
  });
  const auto resume = [](FunctionState& state, u32 block, u32 instruction) {
    return state.engine->on_miss(state, block, instruction);
  };
  interp::set_resume_hook(resume);
  set_resume_entry(resume);
  interp::set_decode_hook([](FunctionState& state) {
    Engine& e = *state.engine;
    auto code = interp::decode(e.module_, *state.function,
                               {e.function_pointers_.data(), e.imports_.data(), e.data_.data()});
    // Two cores may decode at once: the first one counts.
    const interp::Code* none = nullptr;
    if (state.code.compare_exchange_strong(none, code.get(), std::memory_order_release,
                                           std::memory_order_relaxed))
      (void)code.release();
  });
}

// Called where a function's heat is used up, from the interpreter or from compiled code.
void Engine::on_hot(FunctionState& state, const u64* general_arguments) {
  // Others that come by meanwhile go on with what there is, and nobody waits for the lock.
  state.heat.store(kAgainHeat, std::memory_order_relaxed);
  quiescence::poll();
  if (options_.policy != TierPolicy::Auto || !lock_.try_acquire()) return;
  const TierReason reason = state.heat_slices <= 1 ? TierReason::Calls : TierReason::Cycles;
  observe_locked(state, general_arguments);
  const Tier next = climbs_to(state);
  const bool due = next > state.tier.load(std::memory_order_relaxed);
  reclaim_locked(false);
  if (due) request({&state, next, reason});
  lock_.release();
  compile_slice();
}

// The tier that is due for a function whose heat is used up, or its own; then it counts down anew.
Tier Engine::climbs_to(FunctionState& state) {
  const Tier now = state.tier.load(std::memory_order_relaxed), next = next_tier(state);
  const bool due = next != now && (state.heat_slices <= 1 ||
                                   eats_cycles(state, platform::ticks() - start_ticks_));
  if (due) return next;
  const u32 left = state.heat_slices - 1;
  start_countdown(state, options_.thresholds);
  if (next != now) state.heat_slices = left;
  return now;
}

bool Engine::promote(FunctionState& state, Tier tier, TierReason reason) {
  const auto promotion = begin_promotion({&state, tier, reason});
  if (!promotion) return false;
  while (promotion->step()) {}
  return finish_promotion(*promotion);
}

// Null if somebody else is compiling the function.
std::unique_ptr<Engine::Promotion> Engine::begin_promotion(const CompileRequest& wanted) {
  FunctionState& state = *wanted.state;
  if (state.promoting.exchange(true, std::memory_order_acquire)) return nullptr;
  CompileOptions how{.features = options_.features,
                     .profile = options_.profile && worth_timing(state, wanted.tier),
                     .heat = options_.policy == TierPolicy::Auto};
  {
    LockGuard guard(lock_);
    how.facts = facts_for(state, wanted.tier);
  }
  return std::make_unique<Promotion>(module_, wanted, std::move(how));
}

// Publishes what has been compiled. False: that failed.
bool Engine::finish_promotion(Promotion& promotion) {
  const auto& [state_at, tier, reason, again] = promotion.wanted;
  FunctionState& state = *state_at;
  auto code = promotion.job.take();
  LockGuard guard(lock_);
  const Tier from = state.tier.load(std::memory_order_relaxed);
  Result<void> done = code ? publish_locked(state, *code, tier) : Result<void>(code.error());
  if (done) {
    state.compile_ticks += promotion.ticks;
    state.version->compile_ticks = promotion.ticks;
    note(state, from, reason, promotion.ticks);
    log_promotion(state, from, promotion.ticks);
  } else {
    // Where the cache is full there may be room at the end of another countdown.
    const bool may_fit = code && CodeCache::piece_bytes(code->bytes.size()) < cache_.budget_bytes() / 2;
    if (!may_fit) state.failed_tiers |= u32{1} << static_cast<u8>(tier);
    note(state, from, TierReason::Failed, promotion.ticks);
    log_failure(state, done.error().message());
  }
  if (options_.policy == TierPolicy::Auto) start_countdown(state, options_.thresholds);
  state.promoting.store(false, std::memory_order_release);
  return static_cast<bool>(done);
}

void Engine::log_promotion(const FunctionState& state, Tier from, u64 ticks) {
  if (!options_.log) return;
  const std::string_view name = module_.name(*state.function);
  Text text;
  text.format("[jit] %.*s %s -> %s, ", static_cast<int>(name.size()), name.data(), tier_name(from),
              tier_name(state.tier.load(std::memory_order_relaxed)));
  text.append_grouped(state.code_bytes);
  text.append(" bytes, ");
  text.append_decimal(ticks * 1000, platform::ticks_per_second(), 1);
  text.append(" ms\n");
  side_log::write(text.view());
}

void Engine::log_failure(const FunctionState& state, const char* why) {
  if (!options_.log) return;
  const std::string_view name = module_.name(*state.function);
  Text text;
  text.format("[jit] %.*s stays in %s: %s\n", static_cast<int>(name.size()), name.data(),
              tier_name(state.tier.load(std::memory_order_relaxed)), why);
  side_log::write(text.view());
}

}  // namespace bf::microjit
