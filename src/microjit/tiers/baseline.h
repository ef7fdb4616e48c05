// Tier 1 (O0): one pass over the IR of a function, asmjit's Assembler, no analysis that costs more
// than the pass itself.
//
//   auto code = compile_baseline(module, function, {.features = platform::cpu_features()});
//   if (!code) log(code.error());   // the slot stays as it was
//
// The module must have been verified. Only SSE2 is needed; more is used where `features` has it,
// and the results are the same bits either way.
#pragma once

#include "microjit/link.h"

namespace bf::microjit {

struct BaselineOptions {
  platform::CpuFeatures features;
  bool profile = true;  // count calls and cycles in Profile
  bool heat = false;    // count down the function's heat at its entry, and ask the engine at its end
};

Result<CompiledCode> compile_baseline(const ir::Module& module, const ir::Function& function,
                                      const BaselineOptions& options);

}  // namespace bf::microjit
