// The engine: loads a module, runs its functions, and makes the hot ones faster while they run.
//
//   auto engine = Engine::create(std::move(*module), imports, {});
//   if (!engine) return engine.error();
//   auto* main = (*engine)->function<i32()>("bf_main");
//   i32 status = main();
//
// Every function has one slot through which all calls go; it starts at the interpreter. When a
// function has been called often enough (or has gone round its loops often enough) it is compiled,
// and the new version is published with one release store. Nothing stops for that: who is inside
// the old version finishes there.
//
// The program may run on several cores (threads, on the host): calling takes no lock, compiling and
// publishing do.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "microjit/code_cache.h"
#include "microjit/compile.h"
#include "microjit/compile_queue.h"
#include "microjit/emit/kernel.h"
#include "microjit/function_state.h"
#include "microjit/inspect/code_observer.h"
#include "microjit/quiescence.h"
#include "microjit/tier_log.h"
#include "microjit/tier_policy.h"
#include "runtime/lock.h"
#include "runtime/text.h"

namespace bf::microjit {

struct Variant;

// How short a slice of compiling is on a core that runs the program: half a millisecond.
inline constexpr u64 kSlicesPerSecond = 2000;

struct EngineOptions {
  TierPolicy policy = TierPolicy::Auto;
  Thresholds thresholds{};
  bool profile = true;      // count calls and cycles
  bool log = true;          // promotions, to Stream::Log
  bool kernels = true;      // hand-written emitters, in the tuned tier (autotuner.h)
  bool tune = true;         // of their plans the fastest; else the first, whatever the clock says
  usize code_bytes = usize{8} << 20;  // budget of the code cache
  // Cores (threads, on the host) that compile beside the program. With none, and where there are
  // none, the program's own cores compile in slices, when heat is used up: for so many ticks, and to
  // the end of the pass that was under way then. In between, the program goes on.
  u32 compile_threads = 0;
  u64 slice_ticks = platform::ticks_per_second() / kSlicesPerSecond;
  platform::CpuFeatures features = platform::cpu_features();
  std::vector<CodeObserver*> observers{};  // told of all code; they must outlive the engine
};

struct NamedAddress {
  std::string_view name;
  const void* address;
};

// What programs may import from the engine itself, on all hosts: `bf_trap` stops the program as the
// processor does at an illegal instruction. Null for other names.
const void* engine_import(std::string_view name);

class Engine {
 public:
  // Takes a verified module. Fails if an import is not among `imports`, or memory does not suffice.
  static Result<std::unique_ptr<Engine>> create(ir::Module module,
                                                std::span<const NamedAddress> imports,
                                                const EngineOptions& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // A callable address of a function by name that stays good through all promotions, or null.
  const void* address(std::string_view name) const;
  template <class F>
  F* function(std::string_view name) const {
    return reinterpret_cast<F*>(const_cast<void*>(address(name)));
  }
  // Address of a data item, or null.
  u8* data(std::string_view name) const;

  // Compiles a function now and publishes it. False (with a line in the log) if that failed, or if
  // another core is compiling it: then the slot is as it was.
  bool promote(FunctionState& state, Tier tier, TierReason reason = TierReason::Asked);

  // Cycles that the running function spent waiting (for a key, say) and that are not its own work.
  void leave_out_of_profile(u64 cycles) { platform::core_local().callee_cycles += cycles; }

  // Installs code and makes it the function's version. The one before it is retired: whoever is inside
  // finishes there, and when everybody has left, its memory is used again.
  Result<void> publish(FunctionState& state, const CompiledCode& code, Tier tier);
  // Back to the interpreter; its version is retired. It may be promoted again.
  void withdraw(FunctionState& state);
  // Frees what has been left by everybody, as far as that is known without waiting.
  void reclaim();
  // Waits until nothing waits for the compile threads.
  void wait_for_compilers();
  // Slices of compiling that the program's cores have done, and pieces of work in them.
  u64 slices() const { return slices_.load(std::memory_order_relaxed); }
  u64 slice_steps() const { return slice_steps_.load(std::memory_order_relaxed); }

  const ir::Module& module() const { return module_; }
  std::span<const std::unique_ptr<FunctionState>> functions() const { return functions_; }
  const CodeCache& code_cache() const { return cache_; }
  const EngineOptions& options() const { return options_; }

  // The profile as JSON (docs/profile.md), and the hottest functions as a table for people.
  void write_profile(Text& json) const;
  void write_summary(Text& text, usize rows) const;
  // Functions by tier, then those with a version, the largest first: some, "all", or those whose name
  // has `which` in it. Lines of 79 characters at most.
  void write_tiers(Text& text, std::string_view which);
  // What happened to the tiers so far. Only while the program does not run.
  const TierLog& tier_log() const { return tier_log_; }
  // Name of the function whose compiled code holds the address, and the code's tier; or "".
  std::string_view describe(const void* address, Tier* tier = nullptr) const;
  // Whether the address is in the part of a version that makes a call again to time it.
  bool times_a_call(const void* address) const;
  // Name of the function whose state the address lies in, or "".
  std::string_view describe_state(const void* address) const;
  // Bytes of code that was taken out of its slot and not freed yet.
  usize retired_bytes() const { return retired_bytes_; }

 private:
  Engine(ir::Module module, CodeCache cache, const EngineOptions& options);
  const Version* version_at(const void* address) const;
  // engine_load.cpp
  Result<void> bind_imports(std::span<const NamedAddress> imports);
  Result<void> lay_out_data();
  Result<void> set_up(std::span<FunctionState* const> states);
  Result<void> make_entries();
  void relocate_data();
  u64 resolve(const CodeRelocation& relocation) const;
  Result<const u8*> install(const CompiledCode& code);
  FunctionState* add_function(std::unique_ptr<FunctionState> state);
  // versions.cpp; all under the lock
  Result<void> publish_locked(FunctionState& state, const CompiledCode& code, Tier tier);
  void publish_version_locked(FunctionState& state, const CompiledCode& code,
                              std::unique_ptr<Version> version);
  void withdraw_locked(FunctionState& state, TierReason reason);
  void note(const FunctionState& state, Tier from, TierReason reason, u64 compile_ticks);
  void retire(std::unique_ptr<Version> version);
  void reclaim_locked(bool pressed);
  void free_round();
  bool start_round();
  bool evict(usize bytes, const FunctionState& for_whom);
  // speculation.cpp; all under the lock
  CompileFacts facts_for(FunctionState& state, Tier tier);
  std::vector<passes::CallTarget> call_targets(FunctionState& state);
  void add_target(FunctionState& state, u32 instruction, const interp::CallSite& site,
                  std::vector<passes::CallTarget>& out);
  Result<void> check_guards_locked(const FunctionState& state, const CompiledCode& code) const;
  void keep_generic_locked(FunctionState& state, const CompiledCode& code);
  void observe_locked(FunctionState& state, const u64* general_arguments);
  // osr.cpp
  void reserve_continuations();
  const void* on_poll(FunctionState& state, u32 header, Tier running);
  const void* on_miss(FunctionState& state, u32 block, u32 instruction);
  FunctionState* awaited_continuation(FunctionState& state, u32 header, Tier target);
  FunctionState* continuation(FunctionState& state, u32 block, u32 instruction);
  // background.cpp
  void start_compilers();
  void stop_compilers();
  void request(const CompileRequest& wanted);
  void compile_requests();
  void compile_slice();
  bool take_request(CompileRequest& request);
  // autotuner.cpp
  void make_tuning(FunctionState& state);
  void on_kernel(FunctionState& state, const emit::KernelCall& call);
  void run_kernel(FunctionState& state, const emit::KernelCall& call);
  Variant* variant_for(FunctionState& state, const emit::KernelCall& call);
  bool try_plan(FunctionState& state, Variant& variant, const emit::KernelPlan& plan,
                const emit::KernelCall& call, const std::vector<u8>& wanted);
  void give_up(FunctionState& state);
  void make_ordinary(FunctionState& state);
  void settle(FunctionState& state, Variant& variant, const emit::KernelCall& call);
  bool publish_kernel(FunctionState& state, const CompiledCode& code, u64 ticks,
                      const emit::KernelCall& call);
  void log_kernel(const FunctionState& state, const Variant& variant, const char* wrong);
  Result<std::unique_ptr<Version>> install_version(FunctionState& state, const CompiledCode& code,
                                                   Tier tier);
  void retire_version(std::unique_ptr<Version> version);
  // promote.cpp
  void set_hooks();
  void on_hot(FunctionState& state, const u64* general_arguments);
  Tier climbs_to(FunctionState& state);
  struct Promotion;
  std::unique_ptr<Promotion> begin_promotion(const CompileRequest& wanted);
  bool finish_promotion(Promotion& promotion);
  void log_promotion(const FunctionState& state, Tier from, u64 ticks);
  void log_failure(const FunctionState& state, const char* why);

  ir::Module module_;
  const EngineOptions options_;
  const u64 start_ticks_ = platform::ticks();
  Lock lock_;  // what changes while the program runs: the code cache, slots, "the engine's" of states
  CodeCache cache_;
  std::vector<std::unique_ptr<Version>> retired_;   // out of their slots, not yet asked for
  std::vector<std::unique_ptr<Version>> in_round_;  // being asked for, in the round's order
  usize retired_bytes_ = 0;                         // of both
  quiescence::Round round_;
  TierLog tier_log_;
  CompileQueue queue_;
  u32 busy_compilers_ = 0;
  // Where there are no compilers: the promotion that is under way, and whether somebody is at it.
  std::unique_ptr<Promotion> sliced_;
  std::atomic<bool> slicing_{false};
  std::atomic<u64> slices_{0}, slice_steps_{0};
  std::vector<platform::ExtraCore> compilers_;
  std::atomic<bool> compilers_stop_{false};
  std::atomic<u32> requests_made_{0};  // the word that compilers wait on
  std::vector<std::unique_ptr<FunctionState>> functions_;
  std::vector<FunctionState*> function_pointers_;
  std::vector<const void*> imports_;
  std::vector<u8*> data_;
  u8* data_memory_ = nullptr;
  usize data_bytes_ = 0;
};

}  // namespace bf::microjit
