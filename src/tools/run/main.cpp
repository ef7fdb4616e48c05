// bf-run: runs the program of an image in this process, as if it were a native one.
//
// The program shares the process's C library, so its output, its exit handlers and its signals are
// handled by nobody in between. Destructors run as those of a native program do: after the exit
// handlers that the program registered.
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "microjit/ir/image.h"
#include "microjit/ir/text.h"
#include "microjit/optimise.h"
#include "tools/run/imports.h"
#include "tools/run/inspect.h"
#include "tools/run/options.h"

namespace bf::run {

namespace {

using microjit::Engine;

constexpr int kToolFailed = 125;
constexpr rlim_t kStackBytes = rlim_t{1} << 30;

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "bf-run: %s\n", what);
  std::exit(kToolFailed);
}

[[noreturn]] void fail_for_lack_of(const std::string& names) {
  const std::string what =
      "neither the C library nor a --library has what the image imports: " + names +
      "\n  Lower the bitcode that defines it along (bf-lower A.bc B.bc -o OUT.bfir),\n"
      "  or name the shared library that has it (--library FILE.so).";
  fail(what.c_str());
}

// Frames of the interpreter are larger than native ones, so the program gets a larger stack. The
// kernel keeps the room below the stack free as the limit was when the process began: begin again.
void enlarge_stack(char** words) {
  rlimit limit;
  if (getrlimit(RLIMIT_STACK, &limit) != 0) return;
  const rlim_t wanted = std::min(kStackBytes, limit.rlim_max);
  if (limit.rlim_cur >= wanted) return;
  limit.rlim_cur = wanted;
  if (setrlimit(RLIMIT_STACK, &limit) == 0) execv("/proc/self/exe", words);
}

ir::Module read_module(const char* file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) fail(Error::format("cannot read %s: %s", file, strerror(errno)).message());
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  auto module = ir::read_image({reinterpret_cast<const u8*>(bytes.data()), bytes.size()});
  if (!module) fail(Error::format("%s: %s", file, module.error().message()).message());
  return std::move(*module);
}

// ---- --dump-after --------------------------------------------------------------------------------

struct Dump final : microjit::PassObserver {
  explicit Dump(const std::string& name) : pass(name) {}
  void after_pass(const char* name, const ir::Module& module,
                  const ir::Function& function) override {
    if (name != pass) return;
    ir::Text text;
    ir::print_function(module, function, text);
    std::fwrite(text.data(), 1, text.size(), stderr);
  }
  const std::string& pass;
};

microjit::Tier tier_of(microjit::TierPolicy policy) {
  using enum microjit::TierPolicy;
  const bool fixed = policy != Auto && policy != Interp && policy != Baseline;
  return fixed ? static_cast<microjit::Tier>(policy) : microjit::Tier::Optimising;
}

void dump(const ir::Module& module, const Options& options) {
  Dump observer(options.dump_after);
  for (const ir::Function& function : module.functions) {
    microjit::optimise(module, function, {.tier = tier_of(options.engine.policy),
                                          .features = options.engine.features,
                                          .observer = &observer});
  }
}

// ---- The program ---------------------------------------------------------------------------------

// The process's engine; never destroyed, because other threads and exit handlers of the program may
// run its code to the very end.
Engine* engine = nullptr;
const Options* running_options = nullptr;

void print_statistics() {
  Text text;
  engine->write_summary(text, engine->functions().size());
  std::fwrite(text.view().data(), 1, text.view().size(), stderr);
}

void call_if_there(const char* name) {
  if (auto* const function = engine->function<void()>(name)) function();
}

// Handlers run in the reverse order of their registration.
int run_program(const Options& options) {
  auto* const program = engine->function<int(int, char* const*, char**)>("main");
  if (!program) fail("the image has no function main; link the bitcode that has it");
  if (options.stats) std::atexit(print_statistics);
  running_options = new Options(options);  // main has returned by then
  std::atexit([] { finish_inspection(*engine, *running_options); });
  std::atexit([] { call_if_there("bf_destructors"); });
  call_if_there("bf_constructors");
  return program(static_cast<int>(options.program.size()), options.program.data(), environ);
}

int run(Options& options) {
  for (const std::string& library : options.libraries)
    if (auto loaded = load_library(library); !loaded) fail(loaded.error().message());
  ir::Module module = read_module(options.program[0]);
  if (!options.dump_after.empty()) dump(module, options);
  const Imports imports = bind_imports(module);
  if (!imports.missing.empty()) fail_for_lack_of(imports.missing);
  start_inspection(options);
  auto created = Engine::create(std::move(module), imports.addresses, options.engine);
  if (!created) fail(created.error().message());
  engine = created->release();
  return run_program(options);
}

}  // namespace

}  // namespace bf::run

int main(int count, char** words) {
  bf::run::enlarge_stack(words);
  auto options = bf::run::parse_options(std::span(words, static_cast<size_t>(count)).subspan(1));
  if (!options) bf::run::fail(options.error().message());
  if (options->help) {
    const std::string text = bf::run::help_text();
    return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
  }
  return bf::run::run(*options);
}
