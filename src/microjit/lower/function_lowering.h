// The body of one function: every LLVM instruction to IR, block by block.
//
// Values are lists of parts (emitter.h). Blocks are laid out in reverse post-order with loops in
// one piece; phis become block arguments. What cannot be lowered is recorded as an error, its
// result becomes zeros, and the lowering goes on to find more errors.
//
// The class is one, its methods are grouped by file: function_lowering (blocks, arguments, phis,
// terminators), values (constants, masks), arithmetic, casts, vectors, lanes, memory, atomics,
// calls, intrinsics.
#pragma once

#include <llvm/ADT/MapVector.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Operator.h>

#include "microjit/lower/module_lowering.h"
#include "microjit/lower/wide.h"

namespace bf::lower {

// Blocks in the order they are laid out: reverse post-order, each loop contiguous
// (block_order.cpp).
std::vector<llvm::BasicBlock*> block_order(llvm::Function& function);

class FunctionLowering {
 public:
  FunctionLowering(ModuleLowering& context, llvm::Function& source, ir::Function& target);
  void run();

 private:
  // ---- Blocks (function_lowering.cpp)
  void declare_blocks();
  void take_arguments();
  void lower_block(llvm::BasicBlock& block);
  void lower(llvm::Instruction& instruction);
  bool lower_terminator(llvm::Instruction& instruction);
  void lower_phis(const llvm::BasicBlock& block);
  bool supported(const llvm::Instruction& instruction);
  void fail(const llvm::Value& at, const std::string& what);
  struct Jump {
    ir::BlockId block;
    Parts arguments;
  };
  Jump jump(const llvm::BasicBlock& from, const llvm::BasicBlock& to);
  void lower_branch(const llvm::BranchInst& branch);
  void lower_switch(const llvm::SwitchInst& instruction);
  void lower_return(const llvm::ReturnInst& instruction);
  void end_unreachable();

  // ---- Values (values.cpp)
  const Shape& shape(const llvm::Value& value) { return types_.shape(value.getType()); }
  const Leaf& leaf(const llvm::Value& value) { return shape(value).leaves[0]; }
  // All parts. Masks have the kind mask_kind() says.
  Parts get(const llvm::Value& value);
  ValueId one(const llvm::Value& value) { return get(value)[0]; }
  void set(const llvm::Value& value, Parts parts);
  void set(const llvm::Value& value, ValueId part) { set(value, Parts{part}); }
  // A value that is another one under a new name.
  void lower_copy(const llvm::Value& at, const llvm::Value& source);
  Parts zeros(llvm::Type* type);
  Parts constant(const llvm::Constant& constant);
  Parts constant_expression(const llvm::Constant& constant);
  Parts constant_leaf(const llvm::Constant& constant, const Leaf& leaf);
  std::optional<Parts> constant_vector(const llvm::Constant& constant, const Leaf& leaf);
  ValueId address_of(const llvm::GlobalValue& global);
  ValueId thread_local_address(u32 descriptor);
  static bool is_mask(const llvm::Value& value) {
    return value.getType()->isVectorTy() && value.getType()->getScalarType()->isIntegerTy(1);
  }
  // The kind of lanes in which a mask is kept.
  Kind mask_kind(const llvm::Value& value);
  Kind find_mask_kind(const llvm::Value& value);
  Leaf mask_leaf_of(const llvm::Value& value);
  Parts mask_as(const llvm::Value& value, Kind kind);

  // ---- Arithmetic (arithmetic.cpp)
  void lower_binary(const llvm::BinaryOperator& instruction);
  void lower_integer_binary(const llvm::Value& at, Op op, const llvm::Value& a,
                            const llvm::Value& b);
  void lower_mask_binary(const llvm::Value& at, Op op, const llvm::Value& a, const llvm::Value& b);
  ValueId narrow_binary(Op op, ValueId a, ValueId b, u32 bits);
  ValueId bit_binary(Op op, ValueId a, ValueId b);
  void lower_wide_division(const llvm::Value& at, Op op, const Parts& a, const Parts& b, u32 bits);
  void lower_float(const llvm::Value& at, Op op, const std::vector<const llvm::Value*>& operands);
  // Elements of f16 or bf16 as f32, and back.
  Parts widen_floats(const Parts& parts);
  Parts narrow_floats(const Parts& parts, Kind to);
  void lower_sign_operation(const llvm::Value& at, Op op, const llvm::Value& a,
                            const llvm::Value* sign);
  void lower_compare(const llvm::CmpInst& instruction);
  Parts integer_compare(Op op, const llvm::Value& a, const llvm::Value& b);
  Parts float_compare(const llvm::FCmpInst& instruction);
  void lower_select(const llvm::SelectInst& instruction);

  // ---- Casts (casts.cpp)
  void lower_cast(const llvm::CastInst& instruction);
  void lower_integer_cast(const llvm::CastInst& instruction);
  void lower_from_mask(const llvm::CastInst& instruction);
  void lower_float_cast(const llvm::CastInst& instruction);
  void lower_to_integer(const llvm::Value& at, Op op, Parts floats);
  void lower_from_integer(const llvm::CastInst& instruction);
  void lower_bitcast(const llvm::CastInst& instruction);
  Parts integers_from(const llvm::Value& value, u32 bits, bool is_signed);

  // ---- long double (extended.cpp)
  bool is_extended(const llvm::Value& value) { return value.getType()->isX86_FP80Ty(); }
  // A function of the C run-time library or of support/.
  Parts call_library(std::string_view name, const Parts& operands, std::vector<Kind> results);
  void lower_extended(const llvm::Value& at, Op op,
                      const std::vector<const llvm::Value*>& operands);
  void lower_extended_sign(const llvm::Value& at, Op op, const llvm::Value& a,
                           const llvm::Value* sign);
  Parts extended_compare(const llvm::FCmpInst& instruction);
  void lower_extended_cast(const llvm::CastInst& instruction);

  // ---- Vectors (vectors.cpp)
  void lower_extract_element(const llvm::ExtractElementInst& instruction);
  void lower_insert_element(const llvm::InsertElementInst& instruction);
  void lower_shuffle(const llvm::ShuffleVectorInst& instruction);
  void lower_extract_value(const llvm::ExtractValueInst& instruction);
  void lower_insert_value(const llvm::InsertValueInst& instruction);
  // Where the parts of an element of an aggregate start.
  u32 part_index(llvm::Type* aggregate, llvm::ArrayRef<unsigned> indices);
  ValueId lane_index(const llvm::Value& index);
  void lower_reduce(const llvm::CallBase& call, Op op);
  void lower_mask_reduce(const llvm::CallBase& call, Op op);
  void lower_float_reduce(const llvm::CallBase& call, Op op);

  // ---- Lanes of several parts, and of odd widths (lanes.cpp)
  Parts lane_parts(const Leaf& leaf, const Parts& whole, u32 lane);
  void set_lane_parts(const Leaf& leaf, Parts& whole, u32 lane, const Parts& value);
  Parts extract_lane(const Leaf& leaf, const Parts& whole, ValueId lane);
  Parts insert_lane(const Leaf& leaf, Parts whole, const Parts& value, ValueId lane);
  void shuffle_lanes(const llvm::ShuffleVectorInst& instruction);

  // ---- Memory (memory.cpp)
  struct Address {
    ValueId base;
    i64 offset;
    u32 align_log2;
  };
  Address address(const llvm::Value& pointer, llvm::Align align);
  void lower_variable_alloca(const llvm::AllocaInst& instruction);
  void lower_alloca(const llvm::AllocaInst& instruction);
  void lower_load(const llvm::LoadInst& instruction);
  void lower_store(const llvm::StoreInst& instruction);
  void lower_gep(const llvm::GEPOperator& gep);
  void lower_vector_gep(const llvm::GEPOperator& gep,
                        const llvm::MapVector<llvm::Value*, llvm::APInt>& indices, u64 offset);
  Parts address_lanes(const llvm::Value& value, const Leaf& to);
  ValueId gep_index(ValueId base, const llvm::Value& index, const llvm::APInt& scale, i64 offset);
  // So many bytes further on.
  static Address part_of(const Address& whole, i64 place);
  Parts load_shape(const Shape& shape, const Address& from);
  void store_shape(const Shape& shape, const Parts& parts, const Address& to);
  Parts load_leaf(const Leaf& leaf, const Address& from);
  void store_leaf(const Leaf& leaf, const Parts& parts, const Address& to);
  // Integers by their bytes in memory: one part, or i64s.
  Parts load_bits(u32 bits, const Address& from);
  ValueId load_bytes(u32 bytes, Kind kind, const Address& from);
  void store_bits(u32 bits, const Parts& parts, const Address& to);
  void store_bytes(u32 bytes, ValueId value, const Address& to);
  Parts load_odd_lanes(const Leaf& leaf, const Address& from);
  void store_odd_lanes(const Leaf& leaf, const Parts& parts, const Address& to);
  ValueId load_lanes(const Leaf& leaf, u32 lanes, const Address& from);
  void store_lanes(ValueId value, u32 lanes, const Address& to);

  // ---- Atomics (atomics.cpp)
  bool is_one_access(llvm::Type* type);
  void lower_atomic_load(const llvm::LoadInst& instruction);
  void lower_atomic_store(const llvm::StoreInst& instruction);
  void lower_atomic_update(const llvm::AtomicRMWInst& instruction);
  void lower_compare_exchange(const llvm::AtomicCmpXchgInst& instruction);
  void lower_fence(const llvm::FenceInst& instruction);

  // ---- Calls (calls.cpp)
  void lower_call(const llvm::CallBase& call);
  bool lower_inline_asm(const llvm::CallBase& call);
  void lower_plain_call(const llvm::CallBase& call);
  void push_arguments(const llvm::CallBase& call, const Signature& signature, Parts& operands);
  Parts call_with(Op op, u32 aux, const ir::FunctionType& type, const Parts& operands);
  ValueId to_passed(const Leaf& leaf, ValueId part, bool is_signed);
  ValueId from_passed(const Leaf& leaf, ValueId passed);
  // Leaf by leaf, part by part.
  Parts to_passed(llvm::Type* type, const Parts& parts, bool is_signed);
  Parts from_passed(llvm::Type* type, const Parts& passed);
  // Parts in memory of our own, one after the other (arguments by reference).
  void store_parts(const Parts& parts, ValueId pointer);
  Parts load_parts(llvm::Type* type, ValueId pointer);
  u64 parts_bytes(llvm::Type* type);
  Parts as_passed_masks(const llvm::Value& value);

  // ---- Intrinsics (intrinsics.cpp): the handlers named in intrinsics.def
  bool lower_intrinsic(const llvm::CallBase& call);
  void intrinsic_drop(const llvm::CallBase& call, Op op);
  void intrinsic_first(const llvm::CallBase& call, Op op);
  void intrinsic_zero(const llvm::CallBase& call, Op op);
  void intrinsic_object_size(const llvm::CallBase& call, Op op);
  void intrinsic_trap(const llvm::CallBase& call, Op op);
  void intrinsic_int_binary(const llvm::CallBase& call, Op op);
  void intrinsic_int_unary(const llvm::CallBase& call, Op op);
  void intrinsic_saturating(const llvm::CallBase& call, Op op);
  void saturate_bits(const llvm::CallBase& call, Op op);
  void intrinsic_overflow(const llvm::CallBase& call, Op op);
  void intrinsic_funnel(const llvm::CallBase& call, Op op);
  void intrinsic_three_way(const llvm::CallBase& call, Op op);
  void intrinsic_float(const llvm::CallBase& call, Op op);
  void intrinsic_sign(const llvm::CallBase& call, Op op);
  void intrinsic_fmuladd(const llvm::CallBase& call, Op op);
  void intrinsic_to_integer(const llvm::CallBase& call, Op op);
  void intrinsic_libm(const llvm::CallBase& call, Op op);
  void intrinsic_fpclass(const llvm::CallBase& call, Op op);
  void intrinsic_copy(const llvm::CallBase& call, Op op);
  void intrinsic_fill(const llvm::CallBase& call, Op op);
  void intrinsic_stack_save(const llvm::CallBase& call, Op op);
  void intrinsic_stack_restore(const llvm::CallBase& call, Op op);
  void intrinsic_va_start(const llvm::CallBase& call, Op op);
  void intrinsic_va_copy(const llvm::CallBase& call, Op op);
  void intrinsic_ptrmask(const llvm::CallBase& call, Op op);
  void intrinsic_reduce(const llvm::CallBase& call, Op op);
  void intrinsic_reduce_float(const llvm::CallBase& call, Op op);
  void intrinsic_reverse(const llvm::CallBase& call, Op op);
  void intrinsic_min_max(const llvm::CallBase& call, Op op);
  void intrinsic_minimum(const llvm::CallBase& call, Op op);
  void intrinsic_saturating_cast(const llvm::CallBase& call, Op op);
  void intrinsic_exponent(const llvm::CallBase& call, Op op);
  void intrinsic_constant_one(const llvm::CallBase& call, Op op);
  void intrinsic_reduce_minimum(const llvm::CallBase& call, Op op);
  void intrinsic_sub_vector(const llvm::CallBase& call, Op op);
  void intrinsic_library(const llvm::CallBase& call, Op op);
  void intrinsic_frame_address(const llvm::CallBase& call, Op op);
  void intrinsic_fence(const llvm::CallBase& call, Op op);
  void intrinsic_carry(const llvm::CallBase& call, Op op);
  void intrinsic_sign_bits(const llvm::CallBase& call, Op op);
  void intrinsic_blend(const llvm::CallBase& call, Op op);
  void intrinsic_average(const llvm::CallBase& call, Op op);
  void intrinsic_lanes(const llvm::CallBase& call, Op op);
  void intrinsic_multiply_pairs(const llvm::CallBase& call, Op op);
  void intrinsic_dot_product(const llvm::CallBase& call, Op op);
  void intrinsic_sum_distances(const llvm::CallBase& call, Op op);
  void intrinsic_pack(const llvm::CallBase& call, Op op);
  void intrinsic_byte_shuffle(const llvm::CallBase& call, Op op);
  void intrinsic_permute(const llvm::CallBase& call, Op op);
  void intrinsic_shift_all(const llvm::CallBase& call, Op op);
  void intrinsic_shift_lanes(const llvm::CallBase& call, Op op);
  void intrinsic_choose(const llvm::CallBase& call, Op op);
  void intrinsic_choose_first(const llvm::CallBase& call, Op op);
  void intrinsic_first_to_integer(const llvm::CallBase& call, Op op);
  void intrinsic_round_as(const llvm::CallBase& call, Op op);
  void intrinsic_horizontal(const llvm::CallBase& call, Op op);
  void intrinsic_test_bits(const llvm::CallBase& call, Op op);
  ValueId minimum(ValueId a, ValueId b, bool least);
  ValueId every_second(ValueId a, ValueId b, u32 first);
  ValueId shift_amount(const llvm::Value& amount);
  bool has_feature(llvm::StringRef feature);
  bool copy_as_values(const llvm::CallBase& call, u64 bytes);
  ValueId narrow_unary(Op op, ValueId value, u32 bits);

  ModuleLowering& context_;
  Types& types_;
  llvm::Function& source_;
  const Signature& signature_;
  Emitter e_;
  ir::Builder& b_;

  std::vector<llvm::BasicBlock*> order_;
  llvm::DenseMap<const llvm::BasicBlock*, ir::BlockId> blocks_;
  llvm::DenseMap<const llvm::Value*, Parts> values_;
  llvm::DenseMap<const llvm::Value*, Kind> mask_kinds_;
  llvm::DenseMap<const llvm::Value*, ValueId> addresses_;  // of globals, in this block
  ValueId hidden_result_ = ir::kNoValue;
  u64 stack_bytes_ = 0;
  bool ended_ = false;  // the rest of the block cannot be reached
};

}  // namespace bf::lower
