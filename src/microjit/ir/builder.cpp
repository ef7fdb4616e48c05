#include "microjit/ir/builder.h"

namespace bf::ir {

namespace {

constexpr u32 kNoBlock = ~0u;

template <class T>
u32 size32(const std::vector<T>& v) {
  return static_cast<u32>(v.size());
}

}  // namespace

BlockId Builder::add_block(std::span<const Type> argument_types) {
  const BlockId id = size32(function_.blocks);
  Block block;
  block.first_argument = size32(function_.values);
  block.argument_count = static_cast<u32>(argument_types.size());
  for (const Type type : argument_types)
    function_.values.push_back({type, Def::BlockArgument, id, 0});
  block.first_instruction = kNoBlock;
  function_.blocks.push_back(block);
  return id;
}

ValueId Builder::constant(Type type, u64 bits) {
  if (type.element_bits() < 64) bits &= (u64{1} << type.element_bits()) - 1;
  if (type.is_vector()) {  // a splat
    u8 bytes[kMaxVectorBytes];
    for (u32 i = 0; i < type.bytes(); ++i)
      bytes[i] = static_cast<u8>(bits >> (i % type.element_bytes() * 8));
    return vector_constant(type, {bytes, type.bytes()});
  }
  function_.values.push_back({type, Def::Constant, 0, bits});
  return size32(function_.values) - 1;
}

ValueId Builder::vector_constant(Type type, std::span<const u8> bytes) {
  const u32 offset = size32(function_.constant_bytes);
  function_.constant_bytes.insert(function_.constant_bytes.end(), bytes.begin(), bytes.end());
  function_.values.push_back({type, Def::Constant, offset, 0});
  return size32(function_.values) - 1;
}

void Builder::begin(BlockId block) {
  current_ = block;
  function_.blocks[block].first_instruction = size32(function_.instructions);
}

Instruction& Builder::append(Op op, Type type, std::span<const ValueId> operands) {
  Instruction i;
  i.op = op;
  i.type = type;
  i.first_operand = size32(function_.operands);
  i.operand_count = static_cast<u16>(operands.size());
  i.first_edge = size32(function_.edges);
  i.location = location_;
  function_.operands.insert(function_.operands.end(), operands.begin(), operands.end());
  if (!type.is_void()) {
    i.result = size32(function_.values);
    function_.values.push_back({type, Def::Instruction, size32(function_.instructions), 0});
  }
  function_.instructions.push_back(i);
  ++function_.blocks[current_].instruction_count;
  return function_.instructions.back();
}

ValueId Builder::emit(Op op, Type type, std::span<const ValueId> operands, u32 aux, i64 imm) {
  Instruction& i = append(op, type, operands);
  i.aux = aux;
  i.imm = imm;
  return i.result;
}

ValueId Builder::shuffle(Type type, ValueId a, ValueId b, std::span<const u8> mask) {
  const u32 first = size32(function_.masks);
  function_.masks.insert(function_.masks.end(), mask.begin(), mask.end());
  return emit(Op::shuffle, type, {a, b}, first);
}

void Builder::add_edge(Instruction& instruction, Jump jump) {
  function_.edges.push_back({jump.block, size32(function_.operands),
                             static_cast<u32>(jump.arguments.size())});
  function_.operands.insert(function_.operands.end(), jump.arguments.begin(),
                            jump.arguments.end());
  ++instruction.edge_count;
}

void Builder::br(Jump to) { add_edge(append(Op::br, {}, {}), to); }

void Builder::br_if(ValueId condition, Jump if_true, Jump if_false) {
  Instruction& i = append(Op::br_if, {}, {&condition, 1});
  add_edge(i, if_true);
  add_edge(i, if_false);
}

void Builder::switch_on(ValueId value, Jump otherwise, std::span<const u64> cases,
                        std::span<const Jump> targets) {
  Instruction& i = append(Op::switch_, {}, {&value, 1});
  i.aux = size32(function_.cases);
  function_.cases.insert(function_.cases.end(), cases.begin(), cases.end());
  add_edge(i, otherwise);
  for (const Jump& jump : targets) add_edge(i, jump);
}

// Blocks are numbered as they were declared but may have been filled in any order; the image and
// the tiers want instructions in block order.
void Builder::finish() {
  std::vector<Instruction> ordered;
  ordered.reserve(function_.instructions.size());
  for (Block& block : function_.blocks) {
    const u32 first = block.first_instruction == kNoBlock ? 0 : block.first_instruction;
    block.first_instruction = size32(ordered);
    for (u32 n = 0; n < block.instruction_count; ++n) {
      const Instruction& i = function_.instructions[first + n];
      if (i.result != kNoValue) function_.values[i.result].index = size32(ordered);
      ordered.push_back(i);
    }
  }
  function_.instructions = std::move(ordered);
}

}  // namespace bf::ir
