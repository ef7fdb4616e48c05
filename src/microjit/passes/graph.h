// A function while it is being optimised: the IR in a form that is cheap to change.
//
//   passes::Graph graph(module, function);      // copies a verified function
//   fold(graph, context); gvn(graph, context);  // passes change it in place
//   ir::Function better = graph.to_function();  // verifies again; values are renumbered
//
// The operations and their meaning are the IR's own. What differs from ir::Function:
//   - a block lists its instructions and its arguments by id, so that both can be inserted,
//     removed and reordered; ids stay good for the life of the graph
//   - scalar constants are unique: equal constants have equal ids
//   - there is no `second` instruction: a call has `second_result`
//   - a value that is to be replaced by another is entered with replace(); settle() then rewrites
//     every use. A pass starts and ends with a settled graph.
//
// Blocks that cannot be reached, instructions that nobody uses and the like may be there at any
// time; to_function() leaves unreachable blocks out. Block 0 is the entry; it has no predecessors.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "microjit/ir/module.h"

namespace bf::passes {

using ir::BlockId;
using ir::kNoValue;
using ir::Kind;
using ir::Op;
using ir::Type;
using ir::ValueId;
using InstId = u32;
inline constexpr InstId kNoInst = ~0u;
inline constexpr BlockId kNoBlock = ~0u;
inline constexpr u32 kNoOrigin = ~0u;

struct Inst {
  Op op = Op::unreachable;
  Type type;  // of the result; Void where there is none
  u16 operand_count = 0;
  u32 first_operand = 0;  // in the graph's pool: use operands()
  ValueId result = kNoValue;
  ValueId second_result = kNoValue;  // calls only
  u32 first_edge = 0;                // terminators: use edges()
  u32 edge_count = 0;
  u32 aux = 0;  // as in ops.def; shuffle: first lane in masks; switch: first case in cases
  i64 imm = 0;
  ir::Location location = 0;
  BlockId block = kNoBlock;  // where it is; kNoBlock once it was removed
  u32 origin = kNoOrigin;    // index in the function it was copied from: what profiles are about
};

struct Edge {
  BlockId block = 0;
  u32 first_argument = 0;  // in the graph's pool: use arguments()
  u32 argument_count = 0;
};

struct Value {
  Type type;
  ir::Def def = ir::Def::Instruction;
  // Instruction: its id. BlockArgument: its block. Vector constant: offset in constant_bytes.
  u32 index = 0;
  u64 bits = 0;  // scalar constants
};

struct Block {
  std::vector<ValueId> arguments;
  std::vector<InstId> instructions;  // the last one ends the block
};

struct Shape;

// A counted reference to what the last Cfg found out (cfg.h).
class ShapeRef {
 public:
  ShapeRef() = default;
  explicit ShapeRef(Shape* shape);
  ShapeRef(const ShapeRef& other) : ShapeRef(other.shape_) {}
  ShapeRef(ShapeRef&& other) noexcept : shape_(std::exchange(other.shape_, nullptr)) {}
  ShapeRef& operator=(ShapeRef other) noexcept {
    std::swap(shape_, other.shape_);
    return *this;
  }
  ~ShapeRef() { drop(); }

  explicit operator bool() const { return shape_ != nullptr; }
  Shape& operator*() const { return *shape_; }
  Shape* operator->() const { return shape_; }

 private:
  void drop();

  Shape* shape_ = nullptr;
};

class Graph {
 public:
  Graph(const ir::Module& module, const ir::Function& function);

  const ir::Module& module() const { return *module_; }

  // ---- Reading

  usize block_count() const { return blocks.size(); }
  const Inst& terminator(BlockId b) const { return insts[blocks[b].instructions.back()]; }
  Inst& terminator(BlockId b) { return insts[blocks[b].instructions.back()]; }
  std::span<ValueId> operands(const Inst& i) { return {pool.data() + i.first_operand, i.operand_count}; }
  std::span<const ValueId> operands(const Inst& i) const {
    return {pool.data() + i.first_operand, i.operand_count};
  }
  ValueId operand(const Inst& i, u32 n) const { return pool[i.first_operand + n]; }
  std::span<Edge> edges(const Inst& i) { return {all_edges.data() + i.first_edge, i.edge_count}; }
  std::span<const Edge> edges(const Inst& i) const {
    return {all_edges.data() + i.first_edge, i.edge_count};
  }
  std::span<ValueId> arguments(const Edge& e) {
    return {pool.data() + e.first_argument, e.argument_count};
  }
  std::span<const ValueId> arguments(const Edge& e) const {
    return {pool.data() + e.first_argument, e.argument_count};
  }
  std::span<const u8> vector_bytes(ValueId v) const {
    return {constant_bytes.data() + values[v].index, values[v].type.bytes()};
  }
  std::span<const u8> mask(const Inst& shuffle) const {
    return {masks.data() + shuffle.aux, shuffle.type.lanes};
  }
  Type type(ValueId v) const { return values[v].type; }
  bool is_constant(ValueId v) const { return values[v].def == ir::Def::Constant; }
  // A scalar constant; its bit pattern is in `bits`.
  bool is_scalar_constant(ValueId v) const { return is_constant(v) && !values[v].type.is_vector(); }
  // The instruction that defines a value (as its first or second result), or null.
  const Inst* definition(ValueId v) const {
    return values[v].def == ir::Def::Instruction ? &insts[values[v].index] : nullptr;
  }
  Inst* definition(ValueId v) {
    return values[v].def == ir::Def::Instruction ? &insts[values[v].index] : nullptr;
  }
  // The block where a value comes to be; kNoBlock for constants.
  BlockId block_of(ValueId v) const;

  // ---- Making. References to Inst and Edge, and spans, do not survive making one.

  ValueId constant(Type scalar, u64 bits);  // bits beyond the type are cut
  ValueId vector_constant(Type type, std::span<const u8> bytes);
  // All lanes the same; for a scalar type a scalar constant.
  ValueId splat_constant(Type type, u64 element_bits);
  BlockId add_block();
  ValueId add_argument(BlockId block, Type type);  // the edges to it must get one more, too
  // A new instruction in no block yet: put it there with append() or insert().
  InstId make(Op op, Type type, std::span<const ValueId> operands, u32 aux = 0, i64 imm = 0,
              ir::Location location = 0);
  InstId make(Op op, Type type, std::initializer_list<ValueId> operands, u32 aux = 0, i64 imm = 0,
              ir::Location location = 0) {
    return make(op, type, std::span(operands.begin(), operands.size()), aux, imm, location);
  }
  struct Jump {
    BlockId block;
    std::span<const ValueId> arguments;
  };
  // A terminator; `operands` is the condition or the value of a switch. Cases by set_cases().
  InstId make_jump(Op op, std::span<const ValueId> operands, std::span<const Jump> jumps,
                   ir::Location location = 0);
  void set_cases(InstId switch_inst, std::span<const u64> cases);
  u32 add_mask(std::span<const u8> lanes);  // for `aux` of a shuffle
  ValueId add_second_result(InstId call, Type type);

  void append(BlockId block, InstId inst);
  // Before position `at` of the block's list.
  void insert(BlockId block, usize at, InstId inst);
  // Appends an instruction before the block's terminator; gives its result.
  ValueId emit_before_end(BlockId block, Op op, Type type, std::initializer_list<ValueId> operands,
                          u32 aux = 0, i64 imm = 0, ir::Location location = 0);

  // ---- Changing

  void set_operands(InstId inst, std::span<const ValueId> operands);
  void set_arguments(Edge& edge, std::span<const ValueId> arguments);
  void add_edge_argument(Edge& edge, ValueId value);
  void remove_edge_argument(Edge& edge, u32 n);
  // Makes an instruction another one with the same result (of the same type).
  void rewrite(InstId inst, Op op, std::span<const ValueId> operands, u32 aux = 0, i64 imm = 0);
  // Turns the terminator of a block into `br` along one of its edges, or into something without any.
  void make_branch(BlockId block, u32 edge);
  void make_unreachable(BlockId block);
  // Removes argument n of a block from it and from all edges to it.
  void remove_argument(BlockId block, u32 n);
  // Takes an instruction out of its block's list (linear in the block's size).
  void remove(InstId inst);
  // Drops instructions of a block for which keep(InstId) is false, in one sweep.
  template <class Keep>
  void filter(BlockId block, Keep keep) {
    auto& list = blocks[block].instructions;
    usize kept = 0;
    for (const InstId i : list) {
      if (keep(i)) list[kept++] = i;
      else insts[i].block = kNoBlock;
    }
    list.resize(kept);
  }
  // Cuts a block in two before position `at`: what follows goes to a new block, which the first
  // half jumps to without arguments. Gives the new block.
  BlockId split(BlockId block, usize at);
  // A new block on edge n of a block's terminator; gives it. It passes the arguments on.
  BlockId split_edge(BlockId block, u32 n);

  // All uses of `from` are to become `to` (of the same type).
  void replace(ValueId from, ValueId to) { forward_[from] = to, unsettled_ = true; }
  // What a value has been replaced by so far, or itself.
  ValueId resolve(ValueId v);
  bool settled() const { return !unsettled_; }
  void settle();

  // ---- Out again

  // The reachable blocks, in reverse post-order with loops kept together. `origins` gets the origin of
  // every instruction.
  ir::Function to_function(std::vector<u32>* origins = nullptr) const;

  // Copies the blocks of another graph of the same module behind this one's; gives the id of its
  // entry, and through `values_of` the new id of each of its values (constants: unique here).
  // The copies have no origin.
  BlockId import(const Graph& other, std::vector<ValueId>& values_of);

  // Header facts, copied from and to the function.
  u32 name = 0, function_type = 0, flags = 0, index = 0;
  bool exported = false;
  u64 specialise = 0;

  std::vector<Block> blocks;
  std::vector<Inst> insts;
  std::vector<Value> values;
  std::vector<ValueId> pool;  // operands and arguments
  std::vector<Edge> all_edges;
  std::vector<u8> masks;
  std::vector<u64> cases;
  std::vector<u8> constant_bytes;

 private:
  ValueId add_value(Type type, ir::Def def, u32 index);
  u32 add_to_pool(std::span<const ValueId> ids);
  void copy_block(const ir::Function& f, BlockId b);
  bool find_constant(Type type, u64 bits, ValueId& found, usize& place) const;
  void grow_constants();

  const ir::Module* module_;
  std::vector<ValueId> forward_;
  bool unsettled_ = false;
  std::vector<ValueId> constant_table_;  // open addressing over scalar constants
  usize constant_count_ = 0;

  friend class Cfg;
  mutable ShapeRef shape_;
};

// How often each value is used, by operands and by edges.
std::vector<u32> count_uses(const Graph& graph);

// Whether an instruction may be removed if nobody uses its results.
bool removable(const Inst& inst);
// Whether it computes the same whenever its operands are the same, and can be done anywhere:
// no memory, no traps, no identity of its own (stack_alloc has one).
bool movable(const Inst& inst);

}  // namespace bf::passes
