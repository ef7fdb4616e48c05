// What algebra says of single operations: one place for the passes, the interpreter's decoder and
// the code generators.
//
//   if (ir::commutes(i.op)) std::swap(a, b);     // a op b = b op a
//   compare = ir::inverted(compare);             // ult -> uge: true where `compare` is false
//   compare = ir::swapped(compare);              // ult -> ugt: the same with the operands
//   exchanged
#pragma once

#include "microjit/ir/module.h"

namespace bf::ir {

// Whether both operands mean the same, of operations with two.
bool commutes(Op op);
// The comparison that is true exactly if `compare` is false: ordered ones become unordered.
Op inverted(Op compare);
// The comparison with its operands the other way round; any other operation as it is.
Op swapped(Op compare);

}  // namespace bf::ir
