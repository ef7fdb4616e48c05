// Tier 1 (O0): the code generator in a hurry (codegen.h).
//
//   auto code = compile_baseline(module, function, {.features = platform::cpu_features()});
#pragma once

#include "microjit/tiers/codegen.h"

namespace bf::microjit {

using BaselineOptions = CodegenOptions;

inline Result<CompiledCode> compile_baseline(const ir::Module& module,
                                             const ir::Function& function,
                                             const BaselineOptions& options) {
  return generate_code(module, function, options);
}

}  // namespace bf::microjit
