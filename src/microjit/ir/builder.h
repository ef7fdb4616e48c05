// Makes functions of a module, one instruction after the other.
//
//   ir::Builder b(module, function);           // an empty Function, name and type set
//   auto entry = b.add_block({{Kind::I32}});   // parameters are the entry block's arguments
//   b.begin(entry);
//   auto sum = b.binary(Op::add, b.argument(entry, 0), b.constant(Type{Kind::I32}, 5));
//   b.ret({sum});
//   b.finish();
//
// Blocks may be declared in any order and are filled one at a time. Nothing is checked here but
// what would corrupt the pools: run verify() on the result.
#pragma once

#include <initializer_list>
#include <span>

#include "microjit/ir/module.h"

namespace bf::ir {

class Builder {
 public:
  Builder(Module& module, Function& function) : module_(module), function_(function) {}

  // A block with arguments of these types. The first one added is the entry.
  BlockId add_block(std::span<const Type> argument_types);
  ValueId argument(BlockId block, u32 index) const {
    return function_.blocks[block].first_argument + index;
  }

  ValueId constant(Type type, u64 bits);
  ValueId vector_constant(Type type, std::span<const u8> bytes);

  // Starts to fill a block; the one before must have been ended.
  void begin(BlockId block);
  void set_location(Location location) { location_ = location; }

  // Appends an instruction; gives its result, or kNoValue for type Void. Any operation but
  // terminators with edges; `aux` and `imm` as in ops.def.
  ValueId emit(Op op, Type type, std::span<const ValueId> operands, u32 aux = 0, i64 imm = 0);
  ValueId emit(Op op, Type type, std::initializer_list<ValueId> operands, u32 aux = 0,
               i64 imm = 0) {
    return emit(op, type, std::span(operands.begin(), operands.size()), aux, imm);
  }
  ValueId binary(Op op, ValueId a, ValueId b) { return emit(op, type(a), {a, b}); }
  ValueId shuffle(Type type, ValueId a, ValueId b, std::span<const u8> mask);

  struct Jump {
    BlockId block;
    std::span<const ValueId> arguments;
  };
  void br(Jump to);
  void br_if(ValueId condition, Jump if_true, Jump if_false);
  void switch_on(ValueId value, Jump otherwise, std::span<const u64> cases,
                 std::span<const Jump> targets);
  void ret(std::span<const ValueId> results) { emit(Op::ret, {}, results); }
  void unreachable() { emit(Op::unreachable, {}, std::span<const ValueId>()); }

  Type type(ValueId value) const { return function_.values[value].type; }

  // Puts the blocks' instructions in order. To be called once, at the end.
  void finish();

 private:
  Instruction& append(Op op, Type type, std::span<const ValueId> operands);
  void add_edge(Instruction& instruction, Jump jump);

  [[maybe_unused]] Module& module_;
  Function& function_;
  BlockId current_ = 0;
  Location location_ = 0;
};

}  // namespace bf::ir
