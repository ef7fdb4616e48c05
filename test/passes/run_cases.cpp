// Runs the cases of single passes: IR text files that say which passes to run and what they must do.
//
//   ; pass fold dce               the passes, in this order, over every function
//   ; run @f(i32 5) = i32 7       must hold before and after (support/ir_calls.h), `traps` too
//   ; count load 1                how many there are of an operation afterwards, in the whole file
//   ; count @f load 1             ... in one function
//   ; blocks @f 3                 how many blocks a function has afterwards
//   ; argument 0 = 7              what the Context says of parameter 0 of every function
//   ; target @f 3 = @g            what the profile has seen: instruction 3 of @f always calls @g
//   ; tier tuned                  the tier that the Context names (default: opt)
//
// What the passes leave is verified after each one, and runs in the interpreter and in compiled
// code. A case without a `count` or `blocks` line tests nothing and is refused.
#include <fstream>
#include <iterator>

#include "arch/host/command_line.h"
#include "microjit/ir/text.h"
#include "microjit/ir/verify.h"
#include "microjit/optimise.h"
#include "support/ir_calls.h"

namespace {

using namespace bf;
using microjit::Tier;
using microjit::TierPolicy;

int failures = 0;
int checks = 0;

void fail(const std::string& file, const std::string& what) {
  std::fprintf(stderr, "%s: %s\n", file.c_str(), what.c_str());
  ++failures;
}

struct Count {
  std::string function;  // empty: all
  std::string what;      // an operation, or "blocks"
  u64 wanted = 0;
};

struct Case {
  std::vector<const passes::PassInfo*> passes;
  std::vector<test::Call> calls;
  std::vector<Count> counts;
  std::vector<passes::ConstantArgument> arguments;
  struct Target {
    std::string caller, callee;
    u32 instruction;
  };
  std::vector<Target> targets;
  Tier tier = Tier::Optimising;
};

bool parse_directive(const std::string& line, Case& out) {
  std::istringstream words(line.substr(2));
  std::string kind, word;
  words >> kind;
  if (kind == "pass") {
    while (words >> word) {
      const passes::PassInfo* pass = passes::find_pass(word);
      if (!pass) return false;
      out.passes.push_back(pass);
    }
  } else if (kind == "run" || kind == "traps") {
    out.calls.push_back(test::parse_call(line, kind == "traps"));
  } else if (kind == "count" || kind == "blocks") {
    Count count;
    words >> word;
    if (word.starts_with("@")) {
      count.function = word.substr(1);
      words >> word;
    }
    count.what = kind;
    if (kind == "count") {
      count.what = word;
      words >> word;
    }
    count.wanted = std::strtoull(word.c_str(), nullptr, 0);
    out.counts.push_back(count);
  } else if (kind == "argument") {
    passes::ConstantArgument a;
    words >> a.parameter >> word >> word;
    a.bits = std::strtoull(word.c_str(), nullptr, 0);
    out.arguments.push_back(a);
  } else if (kind == "target") {
    Case::Target t;
    words >> t.caller >> t.instruction >> word >> t.callee;
    t.caller.erase(0, 1), t.callee.erase(0, 1);
    out.targets.push_back(t);
  } else if (kind == "tier") {
    words >> word;
    for (u32 t = 0; t < std::size(microjit::kTierNames); ++t)
      if (word == microjit::kTierNames[t]) out.tier = static_cast<Tier>(t);
  }
  return true;
}

u64 count_in(const ir::Module& module, const Count& count) {
  u64 n = 0;
  for (const ir::Function& f : module.functions) {
    if (!count.function.empty() && module.name(f) != count.function) continue;
    if (count.what == "blocks") n += f.blocks.size();
    for (const ir::Instruction& i : f.instructions) n += ir::op_name(i.op) == count.what;
  }
  return n;
}

void run_calls(const std::string& file, const char* when, const ir::Module& module,
               TierPolicy policy, const Case& c) {
  auto engine = microjit::Engine::create(
      module, test::kImports,
      {.policy = policy, .profile = false, .log = false, .code_bytes = usize{1} << 20});
  if (!engine) return fail(file, engine.error().message());
  for (const test::Call& call : c.calls) {
    ++checks;
    const void* address = (*engine)->address(call.function);
    if (!address) return fail(file, "no function " + call.function);
    const std::string wrong =
        call.traps ? (test::dies(address, call) ? "" : "does not trap")
                   : test::check_results(call, test::invoke(address, call.arguments));
    if (!wrong.empty()) fail(file, std::string(when) + ": " + call.text + ": " + wrong);
  }
}

// What call_generic calls, the engine keeps beside what it calls by default; here it gets names.
void add_generic_versions(ir::Module& module, const ir::Module& before) {
  for (usize f = 0; f < before.functions.size(); ++f) {
    const u32 generic = static_cast<u32>(module.functions.size());
    bool called = false;
    for (ir::Instruction& i : module.functions[f].instructions)
      if (i.op == ir::Op::call_generic) called = true, i.aux = generic;
    if (!called) continue;
    module.functions.push_back(before.functions[f]);
    module.functions.back().index = generic;
    module.functions.back().exported = false;
    module.functions.back().name = module.intern("generic " + std::string(before.name(before.functions[f])));
  }
}

void run_file(const std::string& file) {
  std::ifstream in(file);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  Case c;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("; ") && !parse_directive(line, c))
      return fail(file, "names a pass that is not in passes.def: " + line);
  if (c.passes.empty() || c.counts.empty()) return fail(file, "has no pass or no count line");
  auto module = ir::parse_text(text);
  if (!module) return fail(file, module.error().message());
  run_calls(file, "before", *module, TierPolicy::Interp, c);
  const ir::Module before = *module;
  std::vector<passes::CallTarget> targets;
  for (const Case::Target& t : c.targets)
    targets.push_back({static_cast<u32>(before.find_function(t.caller)), t.instruction,
                       static_cast<u32>(before.find_function(t.callee)), 1000, 0});
  // The same passes on every machine.
  platform::CpuFeatures features = platform::cpu_features();
  features.avx2 = true;
  features.avx512f = features.avx512bw = features.avx512dq = features.avx512vl = false;
  for (ir::Function& f : module->functions) {
    passes::Graph graph(before, before.functions[f.index]);
    for (const passes::PassInfo* pass : c.passes) {
      pass->run(graph, {before, features, c.tier, {}, targets, c.arguments});
      if (!graph.settled()) return fail(file, std::string(pass->name) + " leaves the graph unsettled");
      f = graph.to_function();
      if (auto ok = ir::verify_function(before, f); !ok)
        return fail(file, std::string("after ") + pass->name + ": " + ok.error().message());
    }
  }
  ir::Text printed;
  ir::print(*module, printed);
  for (const Count& count : c.counts) {
    ++checks;
    const u64 got = count_in(*module, count);
    if (got != count.wanted)
      fail(file, "has " + std::to_string(got) + " " + count.what + " afterwards, not " +
                     std::to_string(count.wanted) + ":\n" + std::string(printed.begin(), printed.end()));
  }
  add_generic_versions(*module, before);
  run_calls(file, "after, interpreted", *module, TierPolicy::Interp, c);
  run_calls(file, "after, compiled", *module, TierPolicy::Baseline, c);
}

}  // namespace

int main(int argc, char** argv) {
  const char* const no_arguments[] = {"run_cases"};
  bf::host::start(1, no_arguments);
  for (int i = 1; i < argc; ++i) run_file(argv[i]);
  std::printf("%d checks in %d files, %d failures\n", checks, argc - 1, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}
