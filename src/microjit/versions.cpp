// Versions of functions: into the slot, out of it, and out of memory when nobody is inside any
// more.
#include <algorithm>

#include "microjit/autotuner.h"
#include "microjit/microjit.h"

namespace bf::microjit {

namespace {

// A round is started when so much waits for it: this many versions, or this part of the budget.
constexpr usize kRoundVersions = 32;
constexpr usize kRoundShare = 16;
// Cores that do not come by are interrupted when code fills this part of the budget.
constexpr usize kPressedQuarters = 3;

// What a call is worth: its cycles, as far as is known today. (Cycles since some time would be a
// difference of two estimates, which may well be below 0.)
u64 worth_of_call(const Profile& profile) {
  const u64 calls = calls_of(profile);
  return 1 + (calls == 0 ? 0 : self_cycles_of(profile) / calls);
}

Version make_version(FunctionState& state, const CompiledCode& code, const u8* entry, Tier tier) {
  return {.function = &state,
          .entry = entry,
          .bytes = static_cast<u32>(code.bytes.size()),
          .code_bytes = code.code_bytes,
          .tier = tier,
          .frame_start = code.frame_start,
          .frame_end = code.frame_end,
          .timed_start = code.timed_start,
          .timed_frame = code.timed_frame,
          .untimed_start = code.untimed_start,
          .lines = code.lines,
          .calls_then = calls_of(state.profile)};
}

}  // namespace

// A version that no slot leads to, as yet.
Result<std::unique_ptr<Version>> Engine::install_version(FunctionState& state,
                                                         const CompiledCode& code, Tier tier) {
  LockGuard guard(lock_);
  auto entry = install(code);
  if (!entry) return entry.error();
  return std::make_unique<Version>(make_version(state, code, *entry, tier));
}

void Engine::retire_version(std::unique_ptr<Version> version) {
  LockGuard guard(lock_);
  retire(std::move(version));
}

Result<void> Engine::publish(FunctionState& state, const CompiledCode& code, Tier tier) {
  LockGuard guard(lock_);
  const Tier from = state.tier.load(std::memory_order_relaxed);
  auto done = publish_locked(state, code, tier);
  if (done) note(state, from, TierReason::Asked, 0);
  return done;
}

void Engine::withdraw(FunctionState& state) {
  LockGuard guard(lock_);
  withdraw_locked(state, TierReason::Asked);
}

void Engine::reclaim() {
  LockGuard guard(lock_);
  reclaim_locked(true);
}

Result<void> Engine::publish_locked(FunctionState& state, const CompiledCode& code, Tier tier) {
  if (auto ok = check_guards_locked(state, code); !ok) return ok.error();
  auto first_try = install(code);
  const bool again = !first_try && evict(CodeCache::piece_bytes(code.bytes.size()), state);
  auto entry = again ? install(code) : std::move(first_try);
  if (!entry) return entry.error();
  auto version = std::make_unique<Version>(make_version(state, code, *entry, tier));
  publish_version_locked(state, code, std::move(version));
  return {};
}

// Into the slot with a version of `code`; the one that was there is retired.
void Engine::publish_version_locked(FunctionState& state, const CompiledCode& code,
                                    std::unique_ptr<Version> version) {
  const Tier tier = version->tier;
  // Better tiers hardly count: what it took to get there speaks for them, and fades.
  if (tier > Tier::Baseline) version->recent_use = options_.thresholds.calls[static_cast<u8>(tier)];
  keep_generic_locked(state, code);
  state.generic_slot.store(state.generic ? state.generic->entry : version->entry,
                           std::memory_order_release);
  state.lead_to(version->entry, tier);
  state.code_bytes = code.code_bytes;
  std::swap(state.version, version);
  for (CodeObserver* observer : options_.observers) observer->added(module_, *state.version);
  if (version) retire(std::move(version));
}

void Engine::withdraw_locked(FunctionState& state, TierReason reason) {
  if (!state.version) return;
  const Tier from = state.tier.load(std::memory_order_relaxed);
  state.generic_slot.store(state.first_entry.load(), std::memory_order_release);
  state.lead_to(state.first_entry.load(), Tier::Interp);
  if (state.tuning) forget_version(*state.tuning);
  state.code_bytes = 0;
  if (options_.policy == TierPolicy::Auto) start_countdown(state, options_.thresholds);
  note(state, from, reason, 0);
  retire(std::move(state.version));
  if (state.generic) retire(std::move(state.generic));
}

void Engine::note(const FunctionState& state, Tier from, TierReason reason, u64 compile_ticks) {
  tier_log_.add({platform::clock_ns(), state.function, from,
                 state.tier.load(std::memory_order_relaxed), reason, state.code_bytes,
                 compile_ticks});
}

void Engine::retire(std::unique_ptr<Version> version) {
  retired_bytes_ += CodeCache::piece_bytes(version->bytes);
  retired_.push_back(std::move(version));
  reclaim_locked(false);
}

// Ends the round that runs, if its answers are there, and starts the next one if it is worth it.
void Engine::reclaim_locked(bool pressed) {
  pressed |= cache_.used_bytes() / kPressedQuarters * 4 > cache_.budget_bytes();
  if (round_.finished()) free_round();
  const bool worth_it =
      retired_.size() >= kRoundVersions || retired_bytes_ > cache_.budget_bytes() / kRoundShare;
  if (!round_.running() && !retired_.empty() && (worth_it || pressed) && start_round() &&
      round_.finished())
    free_round();  // with one core, at once
  if (round_.running() && pressed) round_.ask();
}

bool Engine::start_round() {
  std::sort(retired_.begin(), retired_.end(),
            [](const auto& a, const auto& b) { return a->entry < b->entry; });
  std::vector<quiescence::Range> ranges;
  ranges.reserve(retired_.size());
  for (const auto& version : retired_) ranges.push_back({version->entry, version->bytes});
  if (!round_.start(std::move(ranges))) return false;
  in_round_.swap(retired_);
  return true;
}

// What somebody still has waits for the next round.
void Engine::free_round() {
  for (usize i = 0; i < in_round_.size(); ++i) {
    auto& version = in_round_[i];
    if (round_.held(i)) {
      retired_.push_back(std::move(version));
      continue;
    }
    retired_bytes_ -= CodeCache::piece_bytes(version->bytes);
    for (CodeObserver* observer : options_.observers) observer->removed(*version);
    cache_.release(version->entry);
  }
  in_round_.clear();
}

// Makes room by taking the least valuable versions out of their slots: those with the fewest cycles
// (calls, where cycles are not counted) per byte, recent ones counting most. The function that
// wants in has earned its heat and is not weighed against them. Whether there is room at once
// depends on who is inside; if not, there is at the end of another countdown.
bool Engine::evict(usize bytes, const FunctionState& for_whom) {
  struct Candidate {
    FunctionState* function;
    u64 value;  // per KiB
  };
  std::vector<Candidate> candidates;
  for (const auto& state : functions_) {
    if (!state->version || state.get() == &for_whom) continue;
    Version& v = *state->version;
    const u64 calls =
        std::max(calls_of(state->profile), v.calls_then);  // cores lose counts of each other
    v.recent_use = v.recent_use / 2 + (calls - v.calls_then) * worth_of_call(state->profile);
    v.calls_then = calls;
    candidates.push_back({state.get(), v.recent_use / (v.bytes / 1024 + 1)});
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.value < b.value; });
  // Free memory may lie in pieces that are too small: twice the room is likely enough. What has
  // been retired and not been left yet is room to come.
  usize coming = retired_bytes_;
  for (const Candidate& c : candidates) {
    if (coming >= 2 * bytes) break;
    coming += CodeCache::piece_bytes(c.function->version->bytes);
    ++c.function->evictions;
    withdraw_locked(*c.function, TierReason::Evicted);
  }
  reclaim_locked(true);
  return coming != 0;
}

}  // namespace bf::microjit
