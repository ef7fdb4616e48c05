#include "microjit/autotuner.h"

#include <algorithm>

#include "microjit/microjit.h"
#include "runtime/side_log.h"

namespace bf::microjit {

namespace {

using Stage = Variant::Stage;

constexpr u64 kUnits = 1000;         // of work, that ticks are compared for
constexpr u64 kWorthChanging = 64;   // the first plan stays unless another one is better by one part in so many
constexpr usize kMostVariants = 32;  // of a kernel

Candidate* candidate_of(Variant& variant, u32 turn, const emit::CallShape& shape) {
  Candidate& c = *variant.candidates[turn % variant.candidates.size()];
  return c.plan.shape.covers(shape) ? &c : nullptr;
}

// The first call is the one that plans were compared on: a piece of what it reads is in the cache, and
// who runs it seems faster than the others.
bool counts(const Variant& variant, u32 turn) { return turn != 0 || variant.candidates.size() == 1; }

// Where there is no choice, there is nothing to wait for.
bool has_been_tried(const Variant& variant) {
  const u32 runs = variant.candidates.size() == 1 ? 1 : TrialTimes::kWanted;
  for (const auto& c : variant.candidates)
    if (c->times.count() < runs) return false;
  return true;
}

const Candidate& best_of(const Variant& variant) {
  const Candidate* best = variant.candidates.front().get();
  u64 least = best->times.typical();
  for (const auto& c : variant.candidates) {
    const u64 ticks = c->times.typical();
    if (ticks >= least - least / kWorthChanging) continue;
    best = c.get();
    least = ticks;
  }
  return *best;
}

void note_run(Candidate& candidate, u64 ticks, u64 work) {
  candidate.times.add(ticks * kUnits / std::max<u64>(work, 1));
}

// How much the choice was about.
void append_comparison(const Variant& variant, Text& text) {
  u64 best = ~u64{0}, worst = 0;
  for (const auto& c : variant.candidates) {
    const u64 ticks = c->times.typical();
    if (ticks == TrialTimes::kNone) continue;
    best = std::min(best, ticks);
    worst = std::max(worst, ticks);
  }
  if (variant.candidates.size() <= 1 || worst == 0) return;
  text.format(": the best of %zu, ", variant.candidates.size());
  text.append_decimal(worst * 100, std::max<u64>(best, 1), 1);
  text.append(" % is the worst");
}

}  // namespace

void TrialTimes::add(u64 ticks) {
  const u32 n = count_.fetch_add(1, std::memory_order_relaxed);
  if (n < kWanted) ticks_[n].store(std::max<u64>(ticks, 1), std::memory_order_relaxed);
}

u64 TrialTimes::typical() const {
  u64 known[kWanted];
  u32 count = 0;
  for (const auto& t : ticks_)
    if (const u64 ticks = t.load(std::memory_order_relaxed)) known[count++] = ticks;
  if (count == 0) return kNone;
  std::nth_element(known, known + count / 2, known + count);
  return known[count / 2];
}

bool FunctionState::is_tuned() const {
  return tuning && !tuning->given_up.load(std::memory_order_acquire);
}

void forget_version(Tuning& tuning) {
  tuning.direct.store(nullptr, std::memory_order_release);
}

void Engine::make_tuning(FunctionState& state) {
  const bool asked = options_.policy == TierPolicy::Auto || options_.policy == TierPolicy::Tuned;
  if (!asked || !options_.kernels || state.whole || !state.type->results.empty()) return;
  const emit::Set set = emit::best_set(options_.features);
  auto kernel = emit::make_kernel(module_.name(*state.function), set);
  if (!kernel) return;
  state.tuning = std::make_unique<Tuning>(std::move(kernel), set);
  // In a caller's body it would not be replaced.
  module_.functions[state.function->index].flags |= ir::kKernel;
}

// A call that has come by: counted here, unless the emitted code has done so and wants it timed.
void Engine::on_kernel(FunctionState& state, const emit::KernelCall& call) {
  if (!state.profiled) return run_kernel(state, call);
  i64& countdown = state.profile.countdown;
  const i64 left = __atomic_load_n(&countdown, __ATOMIC_RELAXED);
  if (left > 1) {
    __atomic_store_n(&countdown, left - 1, __ATOMIC_RELAXED);
    return run_kernel(state, call);
  }
  TimedCall timed;
  start_timing(state.profile, timed);
  run_kernel(state, call);
  end_timing(timed, platform::ticks());
}

void Engine::run_kernel(FunctionState& state, const emit::KernelCall& call) {
  const emit::Kernel& kernel = *state.tuning->kernel;
  Variant* const variant = variant_for(state, call);
  if (!state.is_tuned()) return kernel.run(state.stub, call);
  if (!variant) return kernel.run(state.interp_entry, call);
  const Stage stage = variant->stage.load(std::memory_order_acquire);
  if (stage == Stage::Settled)
    if (const u8* direct = state.tuning->direct.load(std::memory_order_acquire))
      return kernel.run(direct, call);

  if (stage == Stage::Trying) {
    const u32 turn = variant->turn.fetch_add(1, std::memory_order_relaxed);
    Candidate* const candidate = candidate_of(*variant, turn, kernel.shape(call));
    if (const u8* entry = candidate ? candidate->entry.load(std::memory_order_acquire) : nullptr) {
      const u64 start = platform::ticks();
      kernel.run(entry, call);
      const u64 ticks = platform::ticks() - start;
      if (counts(*variant, turn)) note_run(*candidate, ticks, kernel.work(call));
      if (has_been_tried(*variant)) settle(state, *variant, call);
      return;
    }
  }
  // Evicted, or the candidates are for another number: what is known decides.
  settle(state, *variant, call);
  run_kernel(state, call);
}

// Null if there is no room for one more.
Variant* Engine::variant_for(FunctionState& state, const emit::KernelCall& call) {
  Tuning& tuning = *state.tuning;
  const emit::CallShape shape = tuning.kernel->shape(call);
  LockGuard guard(tuning.lock);
  for (const auto& v : tuning.variants)
    if (v->shape.covers(shape)) return v.get();
  if (tuning.variants.size() == kMostVariants) return nullptr;
  auto variant = std::make_unique<Variant>();
  variant->shape = tuning.kernel->kind_of(shape);
  emit::KernelPlan plans[emit::kMostPlans];
  const usize count = tuning.kernel->plans(call, tuning.set, plans);
  const std::vector<u8> wanted = tuning.kernel->outcome(state.interp_entry, call);
  for (usize n = 0; n < count && !wanted.empty(); ++n)
    if (try_plan(state, *variant, plans[n], call, wanted) && !options_.tune) break;
  if (variant->candidates.empty()) {
    variant->stage.store(Stage::Refused, std::memory_order_relaxed);
    log_kernel(state, *variant, "is left to the other tiers");
    give_up(state);
  }
  cache_.rest();
  tuning.variants.push_back(std::move(variant));
  return tuning.variants.back().get();
}

// No emitter does what is wanted: the function climbs the tiers like any other.
void Engine::give_up(FunctionState& state) {
  if (state.tuning->given_up.exchange(true, std::memory_order_acq_rel)) return;
  make_ordinary(state);
  if (options_.policy == TierPolicy::Tuned) promote(state, Tier::Tuned, TierReason::Policy);
}

void Engine::make_ordinary(FunctionState& state) {
  LockGuard guard(lock_);
  withdraw_locked(state, TierReason::Failed);
  state.first_entry.store(state.interp_entry, std::memory_order_release);
  state.generic_slot.store(state.interp_entry, std::memory_order_release);
  state.lead_to(state.interp_entry, Tier::Interp);
  if (options_.policy == TierPolicy::Auto) start_countdown(state, options_.thresholds);
}

// Emits a plan, and compares what it does with what the interpreter did.
bool Engine::try_plan(FunctionState& state, Variant& variant, const emit::KernelPlan& plan,
                      const emit::KernelCall& call, const std::vector<u8>& wanted) {
  const emit::Kernel& kernel = *state.tuning->kernel;
  const emit::EmitOptions how{.set = state.tuning->set, .function = state.function->index};
  auto code = kernel.emit({&plan, 1}, how);
  if (!code) {
    log_failure(state, code.error().message());
    return false;
  }
  auto version = install_version(state, *code, Tier::Tuned);
  if (!version) {
    log_failure(state, version.error().message());
    return false;
  }
  if (kernel.outcome((*version)->entry, call) != wanted) {
    log_failure(state, "an emitted version disagrees with it");
    retire_version(std::move(*version));
    return false;
  }
  auto candidate = std::make_unique<Candidate>();
  candidate->plan = plan;
  candidate->entry.store((*version)->entry, std::memory_order_relaxed);
  candidate->version = std::move(*version);
  variant.candidates.push_back(std::move(candidate));
  return true;
}

// Chooses a plan, unless that has been done, and publishes a version with all plans that are known.
void Engine::settle(FunctionState& state, Variant& variant, const emit::KernelCall& call) {
  Tuning& tuning = *state.tuning;
  LockGuard guard(tuning.lock);
  const bool has_version = tuning.direct.load(std::memory_order_acquire) != nullptr;
  if (variant.stage.load(std::memory_order_relaxed) == Stage::Settled && has_version) return;
  if (variant.stage.load(std::memory_order_relaxed) == Stage::Trying) {
    variant.plan = best_of(variant).plan;
    variant.plan.shape = variant.shape;
  }
  std::vector<emit::KernelPlan> plans;
  for (const auto& v : tuning.variants)
    if (v.get() == &variant || v->stage.load(std::memory_order_relaxed) == Stage::Settled)
      plans.push_back(v->plan);
  const u64 start = platform::ticks();
  auto code = tuning.kernel->emit(
      plans,
      {.set = tuning.set, .function = state.function->index, .profile = state.profiled});
  const bool good = code && publish_kernel(state, *code, platform::ticks() - start, call);
  variant.stage.store(good ? Stage::Settled : Stage::Refused, std::memory_order_release);
  if (!good) give_up(state);
  log_kernel(state, variant, good ? "" : "cannot be published");
  for (const auto& c : variant.candidates) {
    c->entry.store(nullptr, std::memory_order_release);
    if (c->version) retire_version(std::move(c->version));
  }
  cache_.rest();
}

// The version becomes the function's, if it agrees with the interpreter as well.
bool Engine::publish_kernel(FunctionState& state, const CompiledCode& code, u64 ticks,
                            const emit::KernelCall& call) {
  Tuning& tuning = *state.tuning;
  auto version = install_version(state, code, Tier::Tuned);
  if (!version) return false;
  const u8* const direct = (*version)->entry + code.untimed_start;
  if (tuning.kernel->outcome(direct, call) != tuning.kernel->outcome(state.interp_entry, call)) {
    retire_version(std::move(*version));
    return false;
  }
  LockGuard guard(lock_);
  const Tier from = state.tier.load(std::memory_order_relaxed);
  state.compile_ticks += ticks;
  (*version)->compile_ticks = ticks;
  publish_version_locked(state, code, std::move(*version));
  tuning.direct.store(direct, std::memory_order_release);
  note(state, from, TierReason::Tuned, ticks);
  return true;
}

// The plan that was chosen and why, or what is wrong.
void Engine::log_kernel(const FunctionState& state, const Variant& variant, const char* wrong) {
  if (!options_.log) return;
  const std::string_view name = module_.name(*state.function);
  Text text;
  text.format("[tune] %.*s ", static_cast<int>(name.size()), name.data());
  if (!variant.candidates.empty()) {
    state.tuning->kernel->describe(variant.plan, text);
    text.format(", %s", emit::set_name(state.tuning->set));
    text.append(*wrong == '\0' ? "" : ": ");
  }
  if (*wrong == '\0')
    append_comparison(variant, text);
  else
    text.append(wrong);
  text.append("\n");
  side_log::write(text.view());
}

}  // namespace bf::microjit
