// What the engine says about itself: the profile as JSON, the hottest functions as a table.
#include <algorithm>

#include "microjit/microjit.h"
#include "runtime/counters.h"
#include "runtime/workers.h"

namespace bf::microjit {

namespace {

std::vector<const FunctionState*> by_self_cycles(const Engine& engine) {
  std::vector<const FunctionState*> order;
  for (const auto& state : engine.functions())
    if (calls_of(state->profile) != 0) order.push_back(state.get());
  std::sort(order.begin(), order.end(), [](const FunctionState* a, const FunctionState* b) {
    const u64 of_a = self_cycles_of(a->profile), of_b = self_cycles_of(b->profile);
    if (of_a != of_b) return of_a > of_b;
    return a->function->index < b->function->index;
  });
  return order;
}

using ull = unsigned long long;

std::vector<counters::Sample> counter_samples() {
  std::vector<counters::Sample> all(counters::is_counted(counters::Event::Cycles) ? 64 << 10 : 0);
  all.resize(counters::samples(all));
  return all;
}

// What the processor has counted in the version that the function has now.
void write_counters(const FunctionState& s, const std::vector<counters::Sample>& samples, Text& json) {
  u64 sums[counters::kEvents] = {};
  for (const counters::Sample& sample : samples) {
    if (!s.version || !s.version->holds(sample.address)) continue;
    for (u32 i = 0; i < counters::kEvents; ++i) sums[i] += sample.events[i];
  }
  json.append(", \"counters\": {");
  const char* comma = "";
  for (u32 i = 0; i < counters::kEvents; ++i) {
    const auto event = static_cast<counters::Event>(i);
    if (!counters::is_counted(event)) continue;
    json.format("%s\"%s\": %llu", comma, counters::name(event), static_cast<ull>(sums[i]));
    comma = ", ";
  }
  json.append("}");
}

void write_function(const Engine& engine, const FunctionState& s,
                    const std::vector<counters::Sample>& samples, Text& json) {
  const Profile& p = s.profile;
  // Both are estimates, each from what was timed.
  const u64 total = total_cycles_of(p), self = std::min(self_cycles_of(p), total);
  json.append("    {\"name\": ");
  json.append_json(engine.module().name(*s.function));
  json.format(", \"tier\": \"%s\", \"calls\": %llu, \"back_edges\": %llu,\n",
              tier_name(s.tier.load(std::memory_order_relaxed)), static_cast<ull>(calls_of(p)),
              static_cast<ull>(p.back_edges));
  json.format(
      "     \"cycles\": {\"total\": %llu, \"self\": %llu, \"min\": %llu, \"avg\": %llu, "
      "\"max\": %llu},\n",
      static_cast<ull>(total), static_cast<ull>(self),
      static_cast<ull>(p.timed == 0 ? 0 : p.cycles_min), static_cast<ull>(average_cycles_of(p)),
      static_cast<ull>(p.cycles_max));
  json.format("     \"compile_cycles\": %llu, \"code_bytes\": %u, \"ir_instructions\": %llu",
              static_cast<ull>(s.compile_ticks), s.code_bytes,
              static_cast<ull>(s.function->instructions.size()));
  if (!samples.empty()) write_counters(s, samples, json);
  json.append("}");
}

// What the cores have done of each loop over them, in the loop's own units.
void write_shared_work(const Engine& engine, Text& json) {
  constexpr u32 kMostKinds = 32;
  static workers::Work work[kMostKinds];
  const u32 kinds = workers::work_done(work, kMostKinds), cores = workers::core_count();
  json.format("  \"cores\": %u,\n  \"shared\": [", cores);
  bool first = true;
  for (u32 i = 0; i < kinds; ++i) {
    std::string_view name = "?";
    for (const auto& state : engine.functions())
      if (state->stub == reinterpret_cast<const void*>(work[i].body))
        name = engine.module().name(*state->function);
    json.append(first ? "\n    {\"name\": " : ",\n    {\"name\": ");
    first = false;
    json.append_json(name);
    json.append(", \"items\": [");
    for (u32 core = 0; core < cores; ++core)
      json.format("%s%llu", core == 0 ? "" : ", ", static_cast<ull>(work[i].items[core]));
    json.append("]}");
  }
  json.append(first ? "],\n" : "\n  ],\n");
}

}  // namespace

void Engine::write_profile(Text& json) const {
  u64 compile_ticks = 0;
  for (const auto& state : functions_) compile_ticks += state->compile_ticks;
  json.format("{\n  \"version\": 1,\n  \"cycles_per_second\": %llu,\n",
              static_cast<ull>(platform::ticks_per_second()));
  json.format(
      "  \"compile_cycles\": %llu,\n  \"code_cache\": {\"used_bytes\": %llu, "
      "\"budget_bytes\": %llu},\n",
      static_cast<ull>(compile_ticks), static_cast<ull>(cache_.used_bytes()),
      static_cast<ull>(cache_.budget_bytes()));
  write_shared_work(*this, json);
  json.append("  \"functions\": [\n");
  const auto samples = counter_samples();
  bool first = true;
  for (const FunctionState* state : by_self_cycles(*this)) {
    if (!first) json.append(",\n");
    first = false;
    write_function(*this, *state, samples, json);
  }
  json.append("\n  ]\n}\n");
}

void Engine::write_summary(Text& text, usize rows) const {
  const auto order = by_self_cycles(*this);
  u64 all = 0;
  for (const FunctionState* s : order) all += self_cycles_of(s->profile);
  text.append("  share  tier           calls  cycles/call  function\n");
  for (usize i = 0; i < order.size() && i < rows; ++i) {
    const FunctionState& s = *order[i];
    const u64 permille = all ? self_cycles_of(s.profile) * 1000 / all : 0;
    text.format("%4llu.%llu %%  %-8s %11llu %12llu  ", static_cast<ull>(permille / 10),
                static_cast<ull>(permille % 10), tier_name(s.tier.load(std::memory_order_relaxed)),
                static_cast<ull>(calls_of(s.profile)),
                static_cast<ull>(average_cycles_of(s.profile)));
    text.append(module_.name(*s.function));
    text.append("\n");
  }
}

}  // namespace bf::microjit
