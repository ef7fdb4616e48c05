// Which tiers a run may use, and when a function climbs from one to the next.
//
// Heat is counted down: kCallHeat for a call, 1 for a back edge. A function reaches a tier at that
// tier's number of calls, or of back edges a hundred times as many; earlier where it has a large
// share of all cycles, so that a kernel which eats the machine does not wait for its thousandth
// call. Functions marked cold do not climb.
#pragma once

#include <string_view>

#include "microjit/function_state.h"

namespace bf::microjit {

// One for every tier (everything is compiled by it before it runs), and Auto: from the interpreter
// upwards, by heat.
enum class TierPolicy : u8 {
#define BF_TIER(name, text) name,
  BF_TIERS(BF_TIER)
#undef BF_TIER
  Auto,
};
// "auto" or the name of a tier; false for anything else.
bool parse_tier_policy(std::string_view text, TierPolicy& policy);

// Calls (in all tiers below) after which a function gets a version of the tier.
struct Thresholds {
  static constexpr u32 kMost = 5;
  u64 calls[kMost] = {0, 10, 100, 1'000, 10'000};  // by tier
};
static_assert(kTierCount <= Thresholds::kMost);
// "1,2,3,4": ascending numbers for the tiers above the interpreter; those left out stay as they are
// but for following the last one. False for anything else.
bool parse_thresholds(std::string_view text, Thresholds& thresholds);

// The tiers that something compiles for.
bool has_compiler(Tier tier);
// The tier that a policy's functions start in.
Tier starting_tier(TierPolicy policy);
// The next tier up that has a compiler and has not failed for the function; its own tier if none.
Tier next_tier(const FunctionState& state);

// Guards that fail so often cost more than what they guard gains.
inline constexpr u64 kMostGuardFailures = 1000;

// Never used up.
inline constexpr i64 kNeverHot = i64{1} << 62;
// Of functions that climb no further: so often they come by the engine, which looks after retired
// code then (quiescence.h).
inline constexpr i64 kPollHeat = i64{1} << 20;

// Until the engine is asked again where it had no time: some calls.
inline constexpr i64 kAgainHeat = 16 * kCallHeat;

// Whether a version of that tier is to count calls and cycles: counting a call costs some five cycles,
// so optimised code counts only where that is less than a hundredth of what a call takes.
bool worth_timing(const FunctionState& state, Tier tier);

// Starts the countdown to the function's next tier. Between compiled tiers it comes in slices, at
// whose ends eats_cycles() is asked.
void start_countdown(FunctionState& state, const Thresholds& thresholds);
// Whether the function has run for an eighth of the ticks since the engine started, and for long
// enough that compiling it can pay.
bool eats_cycles(const FunctionState& state, u64 ticks_since_start);

}  // namespace bf::microjit
