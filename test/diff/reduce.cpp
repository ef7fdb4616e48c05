#include "reduce.h"

namespace bf::test {

namespace {

// Takes `count` instructions out from `at` on; their results become zero.
void remove(ir::Function& f, u32 at, u32 count) {
  for (u32 n = at; n < at + count; ++n) {
    const ir::ValueId result = f.instructions[n].result;
    if (result == ir::kNoValue) continue;
    ir::Value& v = f.values[result];
    v.def = ir::Def::Constant;
    v.bits = 0;
    v.index = static_cast<u32>(f.constant_bytes.size());
    if (v.type.is_vector()) f.constant_bytes.resize(v.index + v.type.bytes(), 0);
  }
  f.instructions.erase(f.instructions.begin() + at, f.instructions.begin() + at + count);
  for (ir::Block& b : f.blocks) {
    const u32 end = b.first_instruction + b.instruction_count;
    if (b.first_instruction > at)
      b.first_instruction -= count;
    else if (at < end)
      b.instruction_count -= count;
  }
  for (ir::Value& v : f.values)
    if (v.def == ir::Def::Instruction && v.index > at) v.index -= count;
}

// Whether [at, at + count) lies in one block before its end.
bool inside_a_block(const ir::Function& f, u32 at, u32 count) {
  for (const ir::Block& b : f.blocks)
    if (at >= b.first_instruction && at + count < b.first_instruction + b.instruction_count)
      return true;
  return false;
}

}  // namespace

void reduce(ir::Module& module, bool (*fails)(const ir::Module&)) {
  for (u32 count = 16; count > 0; count /= 2) {
    for (usize which = 0; which < module.functions.size(); ++which) {
      for (u32 at = static_cast<u32>(module.functions[which].instructions.size()); at-- > 0;) {
        if (!inside_a_block(module.functions[which], at, count)) continue;
        ir::Module smaller = module;
        remove(smaller.functions[which], at, count);
        if (fails(smaller)) module = std::move(smaller);
      }
    }
  }
}

}  // namespace bf::test
