#include "microjit/tier_policy.h"

#include <limits>

namespace bf::microjit {

namespace {

constexpr u32 kSlices = 4;
constexpr u64 kLargeShare = 8;  // one part in so many of all ticks
constexpr u64 kWorthTicks = 10'000'000;  // some milliseconds: what optimising a function may cost

constexpr u64 kMostCalls = static_cast<u64>(std::numeric_limits<i64>::max() / kCallHeat);

// The number at the front of `text`, which is taken off; false if there is none.
bool take_number(std::string_view& text, u64& number) {
  number = 0;
  usize digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    number = number * 10 + static_cast<u64>(text[digits] - '0');
    if (number > kMostCalls) return false;
  }
  text.remove_prefix(digits);
  return digits != 0;
}

}  // namespace

bool parse_tier_policy(std::string_view text, TierPolicy& policy) {
  if (text == "auto") {
    policy = TierPolicy::Auto;
    return true;
  }
  for (u8 tier = 0; tier < kTierCount; ++tier)
    if (text == kTierNames[tier]) {
      policy = static_cast<TierPolicy>(tier);
      return true;
    }
  return false;
}

bool parse_thresholds(std::string_view text, Thresholds& thresholds) {
  Thresholds result = thresholds;
  u32 tier = 1;
  for (;; ++tier) {
    if (tier == Thresholds::kMost || !take_number(text, result.calls[tier])) return false;
    if (result.calls[tier] < result.calls[tier - 1]) return false;
    if (text.empty()) break;
    if (text[0] != ',') return false;
    text.remove_prefix(1);
  }
  for (++tier; tier < Thresholds::kMost; ++tier)
    if (result.calls[tier] < result.calls[tier - 1]) result.calls[tier] = result.calls[tier - 1];
  thresholds = result;
  return true;
}

bool has_compiler(Tier tier) {
  return tier != Tier::Interp;
}

Tier starting_tier(TierPolicy policy) {
  if (policy == TierPolicy::Auto) return Tier::Interp;
  auto tier = static_cast<u8>(policy);
  while (tier != 0 && !has_compiler(static_cast<Tier>(tier))) --tier;
  return static_cast<Tier>(tier);
}

Tier next_tier(const FunctionState& state) {
  const Tier now = state.tier.load(std::memory_order_relaxed);
  if ((state.function->flags & ir::kCold) != 0 || state.is_tuned()) return now;
  for (u32 tier = static_cast<u8>(now) + 1u; tier < kTierCount; ++tier)
    if (has_compiler(static_cast<Tier>(tier)) && (state.failed_tiers >> tier & 1) == 0)
      return static_cast<Tier>(tier);
  return now;
}

void start_countdown(FunctionState& state, const Thresholds& thresholds) {
  const Tier now = state.tier.load(std::memory_order_relaxed), next = next_tier(state);
  i64 heat = kPollHeat;
  state.heat_slices = 1;
  if (next != now) {
    const u64 calls =
        thresholds.calls[static_cast<u8>(next)] - thresholds.calls[static_cast<u8>(now)];
    heat = static_cast<i64>(calls) * kCallHeat;
    if (now != Tier::Interp) {
      state.heat_slices = kSlices;
      heat = (heat + kSlices - 1) / kSlices;
    }
  } else if (now == Tier::Interp) {
    heat = kNeverHot;  // cold, or nothing could compile it
  }
  state.heat.store(heat, std::memory_order_relaxed);
}

bool worth_timing(const FunctionState& state, Tier tier) {
  constexpr u64 kLongTicks = 1'000;
  return tier <= Tier::Baseline || average_cycles_of(state.profile) >= kLongTicks;
}

bool eats_cycles(const FunctionState& state, u64 ticks_since_start) {
  const u64 own = self_cycles_of(state.profile);
  return own >= kWorthTicks && own >= ticks_since_start / kLargeShare;
}

}  // namespace bf::microjit
