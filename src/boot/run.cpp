#include "boot/run.h"

#include <cstdio>
#include <span>

#include "microjit/inspect/gdb_jit.h"
#include "microjit/ir/image.h"
#include "microjit/microjit.h"
#include "microjit/words.h"
#include "runtime/options.h"
#include "runtime/program_abi.h"
#include "runtime/program_imports.h"
#include "runtime/side_log.h"
#include "runtime/status_line.h"

namespace bf {

namespace {

using microjit::Engine;
using microjit::EngineOptions;
using platform::Stream;

Engine* current_engine = nullptr;
u32 usual_compile_threads = 0;
bool is_terminal = false;

i32 fail(i32 status, const char* message) {
  Text line;
  line.append("error: ");
  line.append(message);
  line.append("\n");
  platform::write(Stream::Log, line.view());
  return status;
}

Result<EngineOptions> engine_options() {
  EngineOptions options;
  options.compile_threads = usual_compile_threads;
  if (const auto tier = options::find("tier"))
    if (!microjit::parse_tier_policy(*tier, options.policy))
      return Error::format(
          "tier=%.*s is not a tier: use interp, baseline, opt, spec, tuned or auto",
          static_cast<int>(tier->size() < 40 ? tier->size() : 40), tier->data());
  if (const auto text = options::find("thresholds"))
    if (!microjit::parse_thresholds(*text, options.thresholds))
      return Error::format("thresholds=%.*s: use ascending numbers of calls, one per tier: 10,100",
                           static_cast<int>(text->size() < 40 ? text->size() : 40), text->data());
  if (const auto profile = options::find("profile")) options.profile = *profile != "0";
  if (const auto tune = options::find("tune")) options.tune = *tune != "0";
  if (const auto threads = options::find("compile-threads")) {
    if (threads->size() != 1 || (*threads)[0] < '0' || (*threads)[0] > '9')
      return Error::format("compile-threads: use a number from 0 to 9");
    options.compile_threads = static_cast<u32>((*threads)[0] - '0');
  }
  static microjit::GdbJit gdb;
  if (options::find("gdb").value_or("0") != "0") options.observers.push_back(&gdb);
  return options;
}

std::string_view stats_text() {
  static Text text;
  text.clear();
  current_engine->write_summary(text, 12);
  return text.view();
}

// Functions by tier: "interp 131, opt 22".
void write_tiers(Text& line) {
  u32 counts[microjit::kTierCount] = {};
  for (const auto& state : current_engine->functions())
    if (calls_of(state->profile) != 0)
      ++counts[static_cast<usize>(state->tier.load(std::memory_order_relaxed))];
  const char* comma = "";
  for (usize i = 0; i < microjit::kTierCount; ++i) {
    if (counts[i] == 0) continue;
    line.format("%s%s %u", comma, microjit::tier_name(static_cast<microjit::Tier>(i)), counts[i]);
    comma = ", ";
  }
}

// bf_read and bf_command as the program gets them: waiting for a person, and what the machine does
// for one, is nobody's share of the cycles.
u64 read_unprofiled(void* buffer, u64 capacity) {
  const u64 start = platform::ticks();
  const u64 count = bf_read(buffer, capacity);
  current_engine->leave_out_of_profile(platform::ticks() - start);
  return count;
}

i32 command_unprofiled(const char* line, u64 bytes, const BfAbout* about) {
  const u64 start = platform::ticks();
  const i32 result = bf_command(line, bytes, about);
  current_engine->leave_out_of_profile(platform::ticks() - start);
  return result;
}

std::vector<microjit::NamedAddress> engine_imports() {
  std::vector<microjit::NamedAddress> imports = {
      {"bf_read", reinterpret_cast<const void*>(&read_unprofiled)},
      {"bf_command", reinterpret_cast<const void*>(&command_unprofiled)}};
  for (const ProgramImport& i : program_imports())
    if (i.name != "bf_read" && i.name != "bf_command") imports.push_back({i.name, i.address});
  return imports;
}

// "[jit] f (opt)"; good until the next one.
const char* describe(const char* what, std::string_view name, const char* tier) {
  static char text[112];
  const usize bytes = name.size() < 80 ? name.size() : 80;
  std::snprintf(text, sizeof text, "%s %.*s%s%s%s", what, static_cast<int>(bytes), name.data(),
                tier ? " (" : "", tier ? tier : "", tier ? ")" : "");
  return text;
}

void write_profile(const Engine& engine) {
  if (!platform::has_stream(Stream::Profile)) return;
  Text json;
  engine.write_profile(json);
  platform::write(Stream::Profile, json.view());
}

}  // namespace

// The hooks of bare metal's backtraces (arch/x86/backtrace.h). Called after a fault, so they
// allocate nothing.
const char* describe_code_address(u64 address) {
  if (current_engine == nullptr) return nullptr;
  microjit::Tier tier{};
  const auto name = current_engine->describe(reinterpret_cast<const void*>(address), &tier);
  return name.empty() ? nullptr : describe("[jit]", name, microjit::tier_name(tier));
}

bool times_a_call(u64 address) {
  return current_engine != nullptr && current_engine->times_a_call(reinterpret_cast<const void*>(address));
}

const char* describe_interpreted(std::span<const u64> words) {
  if (current_engine == nullptr) return nullptr;
  for (const u64 word : words) {
    const auto name = current_engine->describe_state(reinterpret_cast<const void*>(word));
    if (!name.empty()) return describe("interprets", name, nullptr);
  }
  return nullptr;
}

void set_usual_compile_threads(u32 count) {
  usual_compile_threads = count;
}

void set_terminal(bool there) {
  is_terminal = there;
}

i32 run_program() {
  auto options = engine_options();
  if (!options) return fail(kUsageStatus, options.error().message());
  const auto image = platform::blob("program");
  if (image.empty())
    return fail(kBadInputStatus,
                "there is no program: the boot disc must have a module named "
                "'program' (the host: --blob program=FILE.bfir)");
  auto module = ir::read_image(image);
  if (!module) return fail(kBadInputStatus, module.error().message());
  platform::drop_blob("program");  // the module has copied what it needs

  auto engine = Engine::create(std::move(*module), engine_imports(), *options);
  if (!engine) return fail(kBadInputStatus, engine.error().message());
  current_engine = engine->get();
  set_stats_text(stats_text);
  status_line::set_engine_part(write_tiers);
  const bool plain = !options::find("NO_COLOR").value_or("").empty();
  microjit::provide_words(current_engine, is_terminal && !plain);

  auto* program = current_engine->function<i32()>("bf_main");
  if (!program)
    return fail(kBadInputStatus,
                "the program has no function bf_main: it is not a BareFlow program");
  side_log::set_patient(options::find("interactive").value_or("0") == "1");
  const i32 status = program();
  side_log::set_patient(false);
  write_profile(*current_engine);
  status_line::set_engine_part(nullptr);
  set_stats_text(nullptr);
  microjit::provide_words(nullptr, false);
  current_engine = nullptr;
  return status;
}

}  // namespace bf
