#include "microjit/top.h"

#include <algorithm>

namespace bf::microjit {

namespace {

using ull = unsigned long long;

struct Row {
  const FunctionState* state;
  u64 cycles, calls;
};

// Estimates may fall a little.
u64 grown(u64 now, u64 then) {
  return now > then ? now - then : 0;
}

}  // namespace

void Top::mark() {
  const auto functions = engine_.functions();
  seen_.resize(functions.size());
  for (usize i = 0; i < seen_.size(); ++i)
    seen_[i] = {self_cycles_of(functions[i]->profile), calls_of(functions[i]->profile)};
  seen_ns_ = platform::clock_ns();
}

void Top::write(Text& text, usize most_rows) {
  const auto functions = engine_.functions();
  seen_.resize(std::max(seen_.size(), functions.size()));
  std::vector<Row> rows;
  u64 all = 0;
  for (usize i = 0; i < functions.size(); ++i) {
    const FunctionState& s = *functions[i];
    const Row row = {&s, grown(self_cycles_of(s.profile), seen_[i].self_cycles),
                     grown(calls_of(s.profile), seen_[i].calls)};
    all += row.cycles;
    if (row.cycles != 0) rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.cycles != b.cycles ? a.cycles > b.cycles : a.state->function->index < b.state->function->index;
  });
  const u64 tenths = (platform::clock_ns() - seen_ns_) / 100'000'000;
  text.format("%llu.%llu s, %llu million cycles in %lu functions, %llu KiB of code\n",
              static_cast<ull>(tenths / 10), static_cast<ull>(tenths % 10), static_cast<ull>(all / 1'000'000),
              static_cast<unsigned long>(rows.size()), static_cast<ull>(engine_.code_cache().used_bytes() >> 10));
  text.append("  share  tier            calls  cycles/call  function\n");
  for (usize i = 0; i < rows.size() && i < most_rows; ++i) {
    const Row& row = rows[i];
    const u64 permille = all == 0 ? 0 : row.cycles / (all / 1000 + 1);
    text.format("%4llu.%llu %%  %-8s %12llu %12llu  ", static_cast<ull>(permille / 10),
                static_cast<ull>(permille % 10), tier_name(row.state->tier.load(std::memory_order_relaxed)),
                static_cast<ull>(row.calls), static_cast<ull>(row.cycles / std::max<u64>(row.calls, 1)));
    const auto name = engine_.module().name(*row.state->function);
    constexpr usize kRoom = 31;
    text.append(name.size() <= kRoom ? name : name.substr(name.size() - kRoom));
    text.append("\n");
  }
  mark();
}

}  // namespace bf::microjit
