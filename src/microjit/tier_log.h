// What happened to the tiers of functions, in order: for the log, for tests, for the trace.
//
//   log.add({.ns = now, .function = &f, .from = Tier::Interp, .to = Tier::Baseline, .reason = TierReason::Calls, ...});
//   log.write_trace(engine.module(), json);    // Chrome's trace events: ui.perfetto.dev opens it
#pragma once

#include <span>
#include <vector>

#include "microjit/link.h"
#include "runtime/text.h"

namespace bf::microjit {

// Why a function changed its tier, or did not: enumerator, text.
#define BF_TIER_REASONS(row)                                                       \
  row(Policy, "policy")       /* the run's policy says so from the start */        \
  row(Calls, "calls")         /* its heat was used up */                           \
  row(Cycles, "cycles")       /* it has a large share of all cycles */             \
  row(Loop, "loop")           /* a loop that was under way goes on in it */        \
  row(Miss, "miss")           /* a guard failed, and the function goes on in it */ \
  row(Asked, "asked")         /* somebody called promote, publish or withdraw */   \
  row(Tuned, "tuned")         /* the autotuner has chosen it (autotuner.h) */      \
  row(Evicted, "evicted")     /* the code cache was full */                        \
  row(Failed, "failed")       /* it could not be compiled: from and to are alike */

enum class TierReason : u8 {
#define BF_ROW(name, text) name,
  BF_TIER_REASONS(BF_ROW)
#undef BF_ROW
};
const char* reason_name(TierReason reason);

struct TierEvent {
  u64 ns = 0;  // platform::clock_ns() when it was published
  const ir::Function* function = nullptr;
  Tier from = Tier::Interp, to = Tier::Interp;
  TierReason reason = TierReason::Policy;
  u32 code_bytes = 0;
  u64 compile_ticks = 0;
};

class TierLog {
 public:
  // Beyond this many events (a program that swaps for ever) only their number is kept.
  static constexpr usize kMost = 1 << 16;
  void add(const TierEvent& event);
  std::span<const TierEvent> events() const { return events_; }
  u64 left_out() const { return left_out_; }

  // One line per event: seconds, function, from, to, reason, bytes of code, ms of compiling.
  void write_text(const ir::Module& module, Text& text) const;
  // The trace-event format (JSON object form): a lane per function with its tiers as spans, and one
  // for the compilers. Times are microseconds.
  void write_trace(const ir::Module& module, u64 end_ns, Text& json) const;

 private:
  std::vector<TierEvent> events_;
  u64 left_out_ = 0;
};

}  // namespace bf::microjit
