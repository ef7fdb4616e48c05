// Vector operations on whole registers.
#include "microjit/tiers/baseline_compiler.h"

namespace bf::microjit::baseline {

using ir::Instruction;

void Compiler::vector_op(const Instruction& i) {
  if (!vector_by_parts(i)) by_lanes(i);
}

bool Compiler::vector_by_parts(const Instruction&) { return false; }
bool Compiler::vector_binary_by_parts(const Instruction&) { return false; }

}  // namespace bf::microjit::baseline
