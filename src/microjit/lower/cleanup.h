// Tidies a function that the lowering has written: drops dead values, dead block arguments and
// unreachable blocks, makes one value of equal constants, puts stack_allocs into the entry and
// comparisons next to the branch that tests them. Keeps the order of blocks. Knows nothing of LLVM.
#pragma once

#include "microjit/ir/module.h"

namespace bf::lower {

void clean_up(ir::Function& function);

}  // namespace bf::lower
