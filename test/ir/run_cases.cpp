// Runs IR text files: every way through the engine must give what the file says.
//
// Directives are comments in the file:
//
//   ; run @f(i32 5, i64 -1) = i32 7      see support/ir_calls.h
//   ; traps @f(i32 0)
//   ; error: part of the message         parsing or verifying must fail with a message like this
//
// Each file is parsed, printed, parsed again (the text must be the same), written to an image, read
// back (the same again), and every `run` line is executed by the interpreter, by the baseline tier
// for each instruction set this machine has, and with tiers changing at the second call.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "arch/host/command_line.h"
#include "microjit/ir/image.h"
#include "microjit/ir/text.h"
#include "microjit/ir/verify.h"
#include "microjit/microjit.h"
#include "support/ir_calls.h"

namespace {

using namespace bf;
using microjit::Engine;
using microjit::EngineOptions;
using microjit::TierPolicy;
using test::Call;

int failures = 0;
int checks = 0;

void fail(const std::string& file, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", file.c_str(), what.c_str());
  ++failures;
}

std::string printed(const ir::Module& module) {
  ir::Text text;
  ir::print(module, text);
  return {text.begin(), text.end()};
}

struct Way {
  const char* name;
  TierPolicy policy;
  platform::CpuFeatures features;
};

std::vector<Way> ways() {
  const platform::CpuFeatures all = platform::cpu_features();
  platform::CpuFeatures sse2{};
  platform::CpuFeatures avx2 = all;
  avx2.avx512f = avx2.avx512bw = avx2.avx512dq = avx2.avx512vl = avx2.avx512cd = false;
  avx2.avx512vbmi = avx2.avx512vnni = avx2.avx512bf16 = false;
  std::vector<Way> list = {{"interp", TierPolicy::Interp, all},
                           {"interp without profile", TierPolicy::Interp, all},
                           {"baseline sse2", TierPolicy::Baseline, sse2},
                           {"auto", TierPolicy::Auto, all}};
  if (all.avx2) list.push_back({"baseline avx2", TierPolicy::Baseline, avx2});
  if (all.avx512bw) list.push_back({"baseline avx512", TierPolicy::Baseline, all});
  list.push_back({"opt sse2", TierPolicy::Optimising, sse2});
  if (all.avx2) list.push_back({"opt avx2", TierPolicy::Optimising, avx2});
  if (all.avx512bw) list.push_back({"opt avx512", TierPolicy::Optimising, all});
  return list;
}

// Whether a function has an `unreachable`, which the passes take at its word.
bool assumes(const ir::Module& module, const std::string& name) {
  const i64 index = module.find_function(name);
  if (index < 0) return false;
  for (const ir::Instruction& i : module.functions[static_cast<usize>(index)].instructions)
    if (i.op == ir::Op::unreachable) return true;
  return false;
}

void run_way(const std::string& file, const std::string& text, const Way& way,
             const std::vector<Call>& calls) {
  auto module = ir::parse_text(text);
  EngineOptions options;
  options.policy = way.policy;
  options.features = way.features;
  options.log = false;
  for (u32 t = 1; t < microjit::Thresholds::kMost; ++t) options.thresholds.calls[t] = t;
  options.profile = std::strstr(way.name, "without") == nullptr;
  options.code_bytes = usize{1} << 20;
  auto engine = Engine::create(std::move(*module), test::kImports, options);
  if (!engine) return fail(file, engine.error().message());
  if (way.policy == TierPolicy::Baseline)
    for (const auto& state : (*engine)->functions())
      if (state->tier != microjit::Tier::Baseline)
        fail(file, std::string(way.name) + ": a function stayed in the interpreter");
  for (const Call& call : calls) {
    const void* address = (*engine)->address(call.function);
    if (!address) return fail(file, "no function " + call.function);
    ++checks;
    if (call.traps) {
      if (way.policy == TierPolicy::Optimising && assumes((*engine)->module(), call.function))
        continue;
      if (!test::dies(address, call)) fail(file, std::string(way.name) + ": does not trap: " + call.text);
      continue;
    }
    for (int round = 0; round < 3; ++round) {
      const std::string wrong = test::check_results(call, test::invoke(address, call.arguments));
      if (!wrong.empty()) {
        fail(file, std::string(way.name) + ": " + call.text + ": " + wrong);
        break;
      }
    }
  }
}

void run_file(const std::string& file) {
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::vector<Call> calls;
  std::string wanted_error;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("; run ")) calls.push_back(test::parse_call(line, false));
    if (line.starts_with("; traps ")) calls.push_back(test::parse_call(line, true));
    if (line.starts_with("; error: ")) wanted_error = line.substr(9);
  }
  auto module = ir::parse_text(text);
  if (!wanted_error.empty()) {
    ++checks;
    if (module) fail(file, "was accepted, but should fail with: " + wanted_error);
    else if (std::string(module.error().message()).find(wanted_error) == std::string::npos)
      fail(file, std::string("failed with another error: ") + module.error().message());
    return;
  }
  if (!module) return fail(file, module.error().message());
  if (calls.empty()) return fail(file, "has no run, traps or error line: it tests nothing");
  // Parsing numbers the values as they come and printing shows the numbers, so the first printing
  // may differ from the file; from then on nothing may change.
  const std::string first = printed(*module);
  auto again = ir::parse_text(first);
  if (!again) return fail(file, std::string("printed text does not parse: ") + again.error().message());
  const std::string second = printed(*again);
  const auto image = ir::write_image(*again);
  auto loaded = ir::read_image(image);
  if (!loaded) return fail(file, std::string("image: ") + loaded.error().message());
  if (ir::write_image(*loaded) != image) fail(file, "the image does not round-trip");
  auto third = ir::parse_text(printed(*loaded));
  if (!third) return fail(file, std::string("text of the image: ") + third.error().message());
  if (ir::write_image(*third) != image) fail(file, "text and image disagree");
  ++checks;
  for (const Way& way : ways()) run_way(file, text, way, calls);
  for (const Way& way : ways()) run_way(file, printed(*loaded), way, calls);
}

}  // namespace

int main(int argc, char** argv) {
  const char* const no_arguments[] = {"run_cases"};
  bf::host::start(1, no_arguments);
  for (int i = 1; i < argc; ++i) run_file(argv[i]);
  std::printf("%d checks in %d files, %d failures\n", checks, argc - 1, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}
