// The passes: each takes a settled graph, changes it in place, and leaves it settled and valid.
//
// A pass must keep what the program does, to the bit; ops.def says what each operation may be moved
// or merged with. It looks at what it needs (Cfg, uses) itself, and may find unreachable blocks.
#pragma once

#include "microjit/link.h"
#include "microjit/passes/graph.h"

namespace bf::passes {

// What has been seen of one function so far.
struct FunctionFacts {
  u64 calls = 0;
  u64 self_cycles = 0;
};

// An indirect call that has always gone, or nearly always, to one function.
struct CallTarget {
  u32 caller = 0;       // function index
  u32 instruction = 0;  // Inst::origin of the call_indirect
  u32 callee = 0;       // function index
  u64 hits = 0, misses = 0;
};

// A parameter that always had the same value; the entry checks it (pass `specialise`).
struct ConstantArgument {
  u32 parameter = 0;
  u64 bits = 0;
};

// What passes may know beyond the graph.
struct Context {
  const ir::Module& module;
  platform::CpuFeatures features;
  microjit::Tier tier = microjit::Tier::Optimising;
  std::span<const FunctionFacts> functions;  // by index; empty: nothing is known
  std::span<const CallTarget> targets;
  std::span<const ConstantArgument> arguments;
  const ir::Function* function = nullptr;  // as it was before any pass; null: not known
};

#define BF_PASS(name, what) bool name(Graph& graph, const Context& context);
#include "microjit/passes/passes.def"
#undef BF_PASS

enum class Pass : u8 {
#define BF_PASS(name, what) name,
#include "microjit/passes/passes.def"
#undef BF_PASS
};
inline constexpr u32 kPassCount = 0
#define BF_PASS(name, what) +1
#include "microjit/passes/passes.def"
#undef BF_PASS
    ;
struct PassInfo {
  const char* name;
  const char* what;
  bool (*run)(Graph&, const Context&);
};
const PassInfo& pass_info(Pass pass);
// The pass of that name, or null.
const PassInfo* find_pass(std::string_view name);

}  // namespace bf::passes
