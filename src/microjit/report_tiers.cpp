// What /tiers shows: functions by tier, their versions, and what was taken back.
#include <algorithm>

#include "microjit/autotuner.h"
#include "microjit/microjit.h"

namespace bf::microjit {

namespace {

using ull = unsigned long long;

constexpr usize kUsualRows = 16;

// Of one function, or of all that are in a tier.
struct Row {
  u64 functions = 0, versions = 0, bytes = 0, compiled = 0, ticks = 0, back = 0;
};

// From the log: how often each function got a version, and how often it lost one again.
struct History {
  std::vector<u32> compiled, back;

  explicit History(const ir::Module& module, const TierLog& log)
      : compiled(module.functions.size()), back(module.functions.size()) {
    for (const TierEvent& event : log.events()) {
      const u32 index = event.function->index;
      if (index >= compiled.size()) continue;  // what is left of a function: a continuation
      if (event.to > event.from || event.reason == TierReason::Tuned) ++compiled[index];
      if (event.to < event.from) ++back[index];
    }
  }
};

u64 versions_of(const FunctionState& s) {
  u64 count = (s.version != nullptr) + (s.generic != nullptr);
  if (s.tuning)
    for (const auto& variant : s.tuning->variants) count += variant->stage == Variant::Stage::Settled;
  return count;
}

u64 bytes_of(const FunctionState& s) {
  return (s.version ? s.version->bytes : 0) + (s.generic ? s.generic->bytes : 0);
}

u64 milliseconds(u64 ticks) {
  return ticks / std::max<u64>(platform::ticks_per_second() / 1000, 1);
}

void append_cut(Text& text, std::string_view name, usize room) {
  text.append(name.size() <= room ? name : name.substr(0, room - 3));
  if (name.size() > room) text.append("...");
}

bool is_whole(const FunctionState& s) {
  return s.whole == nullptr;
}

// What is added up over all functions.
struct Totals {
  Row tiers[kTierCount];
  u64 misses = 0, wrong = 0, continuations = 0, evictions = 0, failed = 0;

  void add(const FunctionState& s, const History& history) {
    misses += s.guard_failures;
    wrong += s.wrong_guess;
    evictions += s.evictions;
    failed += s.failed_tiers != 0;
    Row& row = tiers[static_cast<u32>(s.tier.load(std::memory_order_relaxed))];
    row.versions += versions_of(s);
    row.bytes += bytes_of(s);
    row.ticks += s.compile_ticks;
    if (!is_whole(s)) {
      ++continuations;
      return;
    }
    ++row.functions;
    row.compiled += history.compiled[s.function->index];
    row.back += history.back[s.function->index];
  }
};

void write_rows(Text& text, const Totals& totals) {
  text.append("tier      functions  versions       bytes  compiled  taken back   compile ms\n");
  for (u32 t = 0; t < kTierCount; ++t) {
    const Row& r = totals.tiers[t];
    text.format("%-8s %10llu %9llu %11llu %9llu %11llu %12llu\n", tier_name(static_cast<Tier>(t)),
                static_cast<ull>(r.functions), static_cast<ull>(r.versions), static_cast<ull>(r.bytes),
                static_cast<ull>(r.compiled), static_cast<ull>(r.back), static_cast<ull>(milliseconds(r.ticks)));
  }
}

void write_function(Text& text, const FunctionState& s, std::string_view name, const History& history) {
  const bool whole = is_whole(s);
  text.format("%-8s %9llu %8llu %9llu %7llu  ", tier_name(s.tier.load(std::memory_order_relaxed)),
              static_cast<ull>(versions_of(s)), static_cast<ull>(bytes_of(s)),
              static_cast<ull>(whole ? history.compiled[s.function->index] : 1),
              static_cast<ull>(s.guard_failures));
  append_cut(text, name, whole ? 32 : 23);
  text.append(whole ? "\n" : " (a rest)\n");
}

}  // namespace

void Engine::write_tiers(Text& text, std::string_view which) {
  LockGuard guard(lock_);
  const History history(module_, tier_log_);
  const bool usual = which.empty(), all = which == "all";
  Totals totals;
  std::vector<const FunctionState*> shown;
  for (const auto& state : functions_) {
    totals.add(*state, history);
    const bool is_wanted = usual || all
                               ? state->version != nullptr
                               : module_.name(*state->function).find(which) != std::string_view::npos;
    if (is_wanted) shown.push_back(state.get());
  }
  write_rows(text, totals);
  text.format("code      %llu of %llu KiB used, %llu of them not left yet; %llu pieces used again\n",
              static_cast<ull>(cache_.used_bytes() >> 10), static_cast<ull>(cache_.budget_bytes() >> 10),
              static_cast<ull>(retired_bytes_ >> 10), static_cast<ull>(cache_.reused_pieces()));
  text.format("guesses   %llu calls missed their guard, %llu functions guess no more\n",
              static_cast<ull>(totals.misses), static_cast<ull>(totals.wrong));
  text.format("also      %llu rests of functions, %llu evictions, %llu could not be compiled\n\n",
              static_cast<ull>(totals.continuations), static_cast<ull>(totals.evictions),
              static_cast<ull>(totals.failed));
  std::sort(shown.begin(), shown.end(), [](const FunctionState* a, const FunctionState* b) {
    const u64 of_a = bytes_of(*a), of_b = bytes_of(*b);
    return of_a != of_b ? of_a > of_b : a->function->index < b->function->index;
  });
  if (shown.empty() && !usual && !all) {
    text.append("No function is called that.\n");
    return;
  }
  const usize rows = usual ? std::min(shown.size(), kUsualRows) : shown.size();
  text.append("tier      versions    bytes  compiled  misses  function\n");
  for (usize i = 0; i < rows; ++i) write_function(text, *shown[i], module_.name(*shown[i]->function), history);
  if (rows < shown.size())
    text.format("(%llu more: /tiers all)\n", static_cast<ull>(shown.size() - rows));
}

}  // namespace bf::microjit
