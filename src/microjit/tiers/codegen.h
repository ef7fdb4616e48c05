// From a function of the IR to machine code: one code generator for all tiers, with more or less
// care.
//
//   auto code = generate_code(module, function, {.features = f, .quality = Quality::Best});
//   if (!code) log(code.error());   // the slot stays as it was
//
// Fast is the baseline tier: a pass over the IR for the analysis, one for the code. Best is for IR
// that has been through the passes: registers for values of single blocks too, exact lives, loops
// with the test at their end. The results are the same bits.
//
// The module must have been verified. Only SSE2 is needed; more is used where `features` has it,
// and the results are the same bits either way.
#pragma once

#include "microjit/link.h"

namespace bf::microjit {

enum class Quality : u8 { Fast, Best };

struct CodegenOptions {
  platform::CpuFeatures features;
  Quality quality = Quality::Fast;
  bool profile = true;  // count calls and cycles in Profile
  bool heat = false;    // count down the function's heat at its entry, and ask the engine at its end
  bool spill_everything = false;  // to find errors: every value lives in the frame between blocks
};

Result<CompiledCode> generate_code(const ir::Module& module, const ir::Function& function,
                                   const CodegenOptions& options);

}  // namespace bf::microjit
