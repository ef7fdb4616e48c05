#include "microjit/tier_log.h"

namespace bf::microjit {

namespace {

using ull = unsigned long long;

constexpr u32 kProcess = 1, kCompilerLane = 0;

u32 lane_of(u32 function) { return function + 1; }

u64 ns_of(u64 ticks) {
  return static_cast<u64>(static_cast<double>(ticks) * 1e9 /
                          static_cast<double>(platform::ticks_per_second()));
}

// Commas between the events of a list.
class List {
 public:
  explicit List(Text& json) : json_(json) {}
  Text& next() {
    json_.append(first_ ? "\n    " : ",\n    ");
    first_ = false;
    return json_;
  }

 private:
  Text& json_;
  bool first_ = true;
};

void append_us(Text& json, u64 ns) { json.append_decimal(ns, 1000, 3); }

void metadata(List& list, const char* what, u32 lane, std::string_view name) {
  Text& json = list.next();
  json.format("{\"ph\": \"M\", \"pid\": %u, \"tid\": %u, \"name\": \"%s\", \"args\": {\"name\": ",
              kProcess, lane, what);
  json.append_json(name);
  json.append("}}");
}

// The front of a complete event, up to its args.
Text& span(List& list, u32 lane, std::string_view name, u64 from_ns, u64 to_ns) {
  Text& json = list.next();
  json.format("{\"ph\": \"X\", \"pid\": %u, \"tid\": %u, \"name\": ", kProcess, lane);
  json.append_json(name);
  json.append(", \"ts\": ");
  append_us(json, from_ns);
  json.append(", \"dur\": ");
  append_us(json, to_ns > from_ns ? to_ns - from_ns : 0);
  json.append(", \"args\": ");
  return json;
}

}  // namespace

const char* reason_name(TierReason reason) {
  static constexpr const char* kNames[] = {
#define BF_ROW(name, text) text,
      BF_TIER_REASONS(BF_ROW)
#undef BF_ROW
  };
  return kNames[static_cast<u8>(reason)];
}

void TierLog::add(const TierEvent& event) {
  if (events_.size() < kMost) events_.push_back(event);
  else ++left_out_;
}

void TierLog::write_text(const ir::Module& module, Text& text) const {
  for (const TierEvent& e : events_) {
    text.append_decimal(e.ns, 1'000'000'000, 6);
    text.append(" ");
    text.append(module.name(*e.function));
    text.format(" %s %s %s %u ", tier_name(e.from), tier_name(e.to), reason_name(e.reason),
                e.code_bytes);
    text.append_decimal(e.compile_ticks * 1000, platform::ticks_per_second(), 3);
    text.append("\n");
  }
}

void TierLog::write_trace(const ir::Module& module, u64 end_ns, Text& json) const {
  json.append("{\n  \"displayTimeUnit\": \"ms\",\n  \"traceEvents\": [");
  List list(json);
  metadata(list, "process_name", kCompilerLane, "BareFlow");
  metadata(list, "thread_name", kCompilerLane, "compiler");
  struct Open {
    const ir::Function* function = nullptr;
    u64 since = 0;
    Tier tier = Tier::Interp;
    u32 code_bytes = 0;
  };
  std::vector<Open> open;  // by function index
  const auto close = [&](const Open& o, u64 ns) {
    span(list, lane_of(o.function->index), tier_name(o.tier), o.since, ns)
        .format("{\"code_bytes\": %u}}", o.code_bytes);
  };
  for (const TierEvent& e : events_) {
    const auto name = module.name(*e.function);
    if (open.size() <= e.function->index) open.resize(e.function->index + 1);
    Open& o = open[e.function->index];
    if (!o.function) metadata(list, "thread_name", lane_of(e.function->index), name);
    o.function = e.function;
    if (e.compile_ticks != 0) {
      const u64 ns = ns_of(e.compile_ticks);
      span(list, kCompilerLane, name, e.ns > ns ? e.ns - ns : 0, e.ns)
          .format("{\"tier\": \"%s\", \"reason\": \"%s\", \"code_bytes\": %u}}", tier_name(e.to),
                  reason_name(e.reason), e.code_bytes);
    }
    if (e.from == e.to) continue;
    close(o, e.ns);
    o = {e.function, e.ns, e.to, e.code_bytes};
  }
  for (const Open& o : open)
    if (o.function) close(o, end_ns);
  json.format("\n  ],\n  \"otherData\": {\"events_left_out\": %llu}\n}\n", static_cast<ull>(left_out_));
}

}  // namespace bf::microjit
