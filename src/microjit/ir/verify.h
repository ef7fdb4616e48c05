// Checks a module for everything the tiers take for granted: after this, no tier looks again.
//
// Types and counts of operands and results, indices into every pool and table, dominance of
// definitions over uses, block arguments against edges, terminators, alignment, relocations.
// An error names function, block and instruction.
#pragma once

#include "microjit/ir/module.h"

namespace bf::ir {

Result<void> verify(const Module& module);
Result<void> verify_function(const Module& module, const Function& function);

}  // namespace bf::ir
