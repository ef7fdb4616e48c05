// The optimising tiers: a function's IR through the passes of its tier, then to machine code.
//
//   auto code = compile_optimised(module, function, {.tier = Tier::Optimising, .features = f});
//   if (!code) log(code.error());   // the slot stays as it was
//
// Or step by step, so that a core that has other work can spread the compilation over its pauses:
//
//   OptimiseJob job(module, function, options);
//   while (job.step()) {}           // one pass each
//   auto code = job.generate();
//
// The module must have been verified. It must not change meanwhile, but for functions being added.
#pragma once

#include "microjit/link.h"
#include "microjit/passes/passes.h"

namespace bf::microjit {

// Told after each pass: for --dump-after, and for bisecting. `function` is what the pass left.
struct PassObserver {
  virtual void after_pass(const char* pass, const ir::Module& module,
                          const ir::Function& function) = 0;

 protected:
  ~PassObserver() = default;
};

struct OptimiseOptions {
  Tier tier = Tier::Optimising;
  platform::CpuFeatures features;
  bool profile = false;  // count calls and cycles
  bool heat = false;     // count down at the entry, for the tiers above
  std::vector<passes::FunctionFacts> functions{};
  std::vector<passes::CallTarget> targets{};
  std::vector<passes::ConstantArgument> arguments{};
  PassObserver* observer = nullptr;
  std::string_view stop_after{};  // a pass: those behind it are left out
  bool verify_each = false;     // verify after each pass; a failure is a bug and names the pass
};

class OptimiseJob {
 public:
  OptimiseJob(const ir::Module& module, const ir::Function& function, OptimiseOptions options);

  // Runs the next pass. False: there was none left.
  bool step();
  // The function as it is now.
  ir::Function function() const { return graph_.to_function(); }
  // Runs what passes are left, and generates code.
  Result<CompiledCode> generate();

 private:
  bool idle(passes::Pass pass) const;
  void report(const char* pass);

  const ir::Module& module_;
  const OptimiseOptions options_;
  const passes::Context context_;
  passes::Graph graph_;
  u32 next_ = 0;     // row of pipeline.def
  u32 changes_ = 1;  // passes that changed something, and one
  // By pass: what changes_ was when it had nothing to do, or 0. It has nothing to do again until
  // another pass finds something.
  u32 idle_at_[passes::kPassCount] = {};
};

Result<CompiledCode> compile_optimised(const ir::Module& module, const ir::Function& function,
                                       OptimiseOptions options);

// The whole pipeline on one function, for tests and tools.
ir::Function optimise(const ir::Module& module, const ir::Function& function,
                      OptimiseOptions options);

}  // namespace bf::microjit
