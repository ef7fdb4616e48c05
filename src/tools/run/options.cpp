#include "tools/run/options.h"

#include <charconv>

#include "microjit/passes/passes.h"

namespace bf::run {

namespace {

using Apply = Result<void>(Options& options, const char* value);

Result<void> set_tier(Options& options, const char* value) {
  if (microjit::parse_tier_policy(value, options.engine.policy)) return {};
  return Error::format("--tier %s: there is no such tier (see --help)", value);
}

Result<void> set_thresholds(Options& options, const char* value) {
  if (microjit::parse_thresholds(value, options.engine.thresholds)) return {};
  return Error::format("--thresholds %s: give ascending numbers of calls, such as 10,100,1000",
                       value);
}

Result<void> set_code_bytes(Options& options, const char* value) {
  const std::string_view text = value;
  u32 kilobytes = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), kilobytes);
  if (error != std::errc{} || end != text.end() || kilobytes == 0)
    return Error::format("--code-cache %s: give a number of KiB", value);
  options.engine.code_bytes = usize{kilobytes} << 10;
  return {};
}

Result<void> set_dump_after(Options& options, const char* value) {
  if (!passes::find_pass(value))
    return Error::format("--dump-after %s: there is no such pass (see --help)", value);
  options.dump_after = value;
  return {};
}

Result<void> add_library(Options& options, const char* value) {
  options.libraries.push_back(value);
  return {};
}

Result<void> set_stats(Options& options, const char*) {
  options.stats = true;
  return {};
}

Result<void> set_log(Options& options, const char*) {
  options.engine.log = true;
  return {};
}

Result<void> set_no_profile(Options& options, const char*) {
  options.engine.profile = false;
  return {};
}

Result<void> set_compile_threads(Options& options, const char* value) {
  const bool digit = value[0] >= '0' && value[0] <= '9' && value[1] == 0;
  if (!digit) return Error::format("--compile-threads %s: give a number from 0 to 9", value);
  options.engine.compile_threads = static_cast<u32>(value[0] - '0');
  return {};
}

// Options that are kept as they are.
template <auto Member>
Result<void> set_text(Options& options, const char* value) {
  options.*Member = value;
  return {};
}
template <auto Member>
Result<void> set_true(Options& options, const char*) {
  options.*Member = true;
  return {};
}

Result<void> set_help(Options& options, const char*) {
  options.help = true;
  return {};
}

struct Option {
  const char* name;
  const char* value;  // what --help calls it; null: takes none
  Apply* apply;
  const char* help;
};
constexpr Option kOptions[] = {
    {"--tier", "TIER", set_tier, "the tier that runs everything, or auto (default: auto)"},
    {"--thresholds", "A,B,...", set_thresholds,
     "auto: calls after which a function gets a version\n"
     "of each tier above the interpreter"},
    {"--code-cache", "KIB", set_code_bytes, "room for compiled code (default: 64 MiB)"},
    {"--library", "FILE", add_library, "a shared library that has imports; may be repeated"},
    {"--stats", nullptr, set_stats, "calls, cycles and tier of every function, at the end"},
    {"--log", nullptr, set_log, "say when functions change their tier"},
    {"--no-profile", nullptr, set_no_profile, "count neither calls nor cycles"},
    {"--dump-after", "PASS", set_dump_after,
     "print every function's IR after a pass of the tier's\n"
     "pipeline, before the program starts"},
    {"--compile-threads", "N", set_compile_threads, "threads that compile beside the program (0)"},
    {"--tier-log", "FILE", set_text<&Options::tier_log>,
     "a line for every change of a function's tier"},
    {"--trace", "FILE", set_text<&Options::trace>,
     "the same as a trace that ui.perfetto.dev opens"},
    {"--disassemble", "FUNCTION", set_text<&Options::disassemble>,
     "print the code of all its versions, at the end;\n"
     "FUNCTION@TIER: of those of a tier"},
    {"--annotate", "FUNCTION", set_text<&Options::annotate>,
     "the same, with the cycles spent there beside it"},
    {"--gdb", nullptr, set_true<&Options::gdb>, "tell GDB of compiled functions"},
    {"--perf-map", nullptr, set_true<&Options::perf_map>, "write /tmp/perf-PID.map for perf"},
    {"--help", nullptr, set_help, "this"},
};

const Option* find_option(std::string_view word) {
  for (const Option& option : kOptions)
    if (word == option.name) return &option;
  return nullptr;
}

void append_row(std::string& text, const std::string& left, std::string_view right) {
  constexpr usize kColumn = 26;
  std::string row = "  " + left;
  row.resize(std::max(kColumn, row.size() + 1), ' ');
  for (const char c : right) {
    row += c;
    if (c == '\n') row.append(kColumn, ' ');
  }
  text += row + "\n";
}

}  // namespace

Result<Options> parse_options(std::span<char* const> words) {
  Options options;
  options.engine.log = false;
  options.engine.code_bytes = usize{64} << 20;
  usize at = 0;
  for (; at < words.size() && words[at][0] == '-'; ++at) {
    const Option* const option = find_option(words[at]);
    if (!option) return Error::format("%s: there is no such option (see --help)", words[at]);
    const bool lacks_value = option->value && at + 1 == words.size();
    if (lacks_value) return Error::format("%s needs a %s (see --help)", words[at], option->value);
    auto applied = option->apply(options, option->value ? words[++at] : nullptr);
    if (!applied) return applied.error();
    if (options.help) return options;
  }
  options.program = words.subspan(at);
  if (options.program.empty())
    return Error::format("which image? usage: bf-run [OPTIONS] FILE.bfir [ARGUMENTS] (see --help)");
  return options;
}

std::string help_text() {
  std::string text =
      "usage: bf-run [OPTIONS] FILE.bfir [ARGUMENTS]\n"
      "\n"
      "Runs the main function of an image that bf-lower made, with the C library of this process,\n"
      "and ends as the program does: with its status, or by its signal.\n"
      "\n";
  for (const Option& option : kOptions)
    append_row(text, option.name + (option.value ? " " + std::string(option.value) : ""),
               option.help);
  text += "\ntiers: auto";
  for (const char* const tier : microjit::kTierNames) text += std::string(" ") + tier;
  text += "\npasses:";
#define BF_PASS(name, what) text += " " #name;
#include "microjit/passes/passes.def"
#undef BF_PASS
  return text +
         "\n\n"
         "Status 125 is bf-run's own: wrong options, an image that cannot be read, imports that\n"
         "nobody has. The program's stack is 1 GiB, because the interpreter needs more of it than\n"
         "native code; where the limit of the system is lower (ulimit -Hs), so is the stack.\n";
}

}  // namespace bf::run
