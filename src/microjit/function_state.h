// What the engine keeps of one function of the program: its slot, its tier, its counters.
#pragma once

#include <atomic>
#include <memory>

#include "microjit/link.h"

namespace bf::microjit {

class Engine;
namespace interp {
struct Code;
}

// Heat is counted down: this much for a call, 1 for a back edge (interpreter). At 0 the engine is
// asked for a better version. So the default budget is ten calls or a thousand back edges.
inline constexpr i64 kCallHeat = 100;
inline constexpr i64 kDefaultHeatBudget = 1000;

struct FunctionState {
  FunctionState();
  ~FunctionState();
  FunctionState(const FunctionState&) = delete;

  // Where every call goes. Changed by one release store.
  std::atomic<const void*> slot{nullptr};

  const void* interp_entry = nullptr;  // native entry to the interpreter for this function
  const void* stub = nullptr;          // its address as a value: jumps through the slot, for ever
  i64 heat = kDefaultHeatBudget;
  bool profiled = true;
  ProfileCore* core = nullptr;
  Profile profile;

  Engine* engine = nullptr;
  const ir::Function* function = nullptr;
  const ir::FunctionType* type = nullptr;
  std::unique_ptr<interp::Code> code;  // decoded for the interpreter at its first call there

  Tier tier = Tier::Interp;
  u64 compile_ticks = 0;
  u32 code_bytes = 0;
};

}  // namespace bf::microjit
