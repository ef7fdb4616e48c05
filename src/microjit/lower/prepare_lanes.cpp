// Operations on vectors become operations on their lanes, where the lowering has none for the
// vector: lanes of more than 64 bits (<4 x i72>), and what it knows of scalars only (classes of
// floats, overflow). Reductions of odd lanes become such of whole bytes, or chains.
#include <llvm/Analysis/VectorUtils.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/LoopUtils.h>

#include <vector>

#include "microjit/lower/prepare.h"
#include "runtime/base.h"

namespace bf::lower {

namespace {

using llvm::Intrinsic::ID;

constexpr u32 kWordBits = 64;

// ---- What is taken apart -----------------------------------------------------------------------

bool has_wide_lanes(const llvm::Type* type) {
  if (!type->isVectorTy()) return false;
  const llvm::Type* const lane = type->getScalarType();
  return lane->isX86_FP80Ty() || (lane->isIntegerTy() && lane->getIntegerBitWidth() > kWordBits);
}

bool touches_wide_lanes(const llvm::Instruction& i) {
  if (has_wide_lanes(i.getType())) return true;
  return llvm::any_of(i.operands(),
                      [](const llvm::Use& o) { return has_wide_lanes(o->getType()); });
}

// Lowered for scalars only, whatever their lanes are.
bool is_scalar_only(ID id) {
  switch (id) {
    case llvm::Intrinsic::sadd_with_overflow:
    case llvm::Intrinsic::uadd_with_overflow:
    case llvm::Intrinsic::ssub_with_overflow:
    case llvm::Intrinsic::usub_with_overflow:
    case llvm::Intrinsic::smul_with_overflow:
    case llvm::Intrinsic::umul_with_overflow:
    case llvm::Intrinsic::fptosi_sat:
    case llvm::Intrinsic::fptoui_sat:
    case llvm::Intrinsic::is_fpclass:
    case llvm::Intrinsic::powi:
    case llvm::Intrinsic::ldexp:
    case llvm::Intrinsic::frexp:
    case llvm::Intrinsic::scmp:
    case llvm::Intrinsic::ucmp:
      return true;
    default:
      return false;
  }
}

llvm::FixedVectorType* first_vector(const llvm::Instruction& i) {
  if (auto* const type = llvm::dyn_cast<llvm::FixedVectorType>(i.getType())) return type;
  for (const llvm::Use& operand : i.operands())
    if (auto* const type = llvm::dyn_cast<llvm::FixedVectorType>(operand->getType())) return type;
  return nullptr;
}

bool is_lane_by_lane(const llvm::Instruction& i) {
  if (!first_vector(i)) return false;
  if (const auto* const call = llvm::dyn_cast<llvm::IntrinsicInst>(&i)) {
    const ID id = call->getIntrinsicID();
    return is_scalar_only(id) || (touches_wide_lanes(i) && llvm::isTriviallyVectorizable(id));
  }
  if (!touches_wide_lanes(i)) return false;
  if (const auto* const choice = llvm::dyn_cast<llvm::SelectInst>(&i))
    return choice->getCondition()->getType()->isVectorTy();
  return llvm::isa<llvm::BinaryOperator, llvm::UnaryOperator, llvm::CmpInst>(i) ||
         (llvm::isa<llvm::CastInst>(i) && !llvm::isa<llvm::BitCastInst>(i));
}

// ---- Lane by lane ------------------------------------------------------------------------------

llvm::Value* lane_of(llvm::IRBuilder<>& at, llvm::Value* value, u32 lane) {
  return value->getType()->isVectorTy() ? at.CreateExtractElement(value, lane) : value;
}

llvm::Type* scalar_of(llvm::Type* type) {
  auto* const record = llvm::dyn_cast<llvm::StructType>(type);
  if (!record) return type->getScalarType();
  llvm::SmallVector<llvm::Type*> elements;
  for (llvm::Type* const element : record->elements()) elements.push_back(scalar_of(element));
  return llvm::StructType::get(type->getContext(), elements);
}

llvm::Value* scalar_call(llvm::IRBuilder<>& at, llvm::IntrinsicInst& call,
                         llvm::ArrayRef<llvm::Value*> arguments) {
  llvm::SmallVector<llvm::Type*> types, overloads;
  for (const llvm::Value* const argument : arguments) types.push_back(argument->getType());
  auto* const type = llvm::FunctionType::get(scalar_of(call.getType()), types, false);
  const bool known = llvm::Intrinsic::getIntrinsicSignature(call.getIntrinsicID(), type, overloads);
  if (!known) BF_UNREACHABLE("an intrinsic of vectors that has no twin for scalars");
  llvm::Function* const callee =
      llvm::Intrinsic::getDeclaration(call.getModule(), call.getIntrinsicID(), overloads);
  llvm::CallInst* const result = at.CreateCall(callee, arguments);
  result->copyIRFlags(&call);
  return result;
}

llvm::Value* one_lane(llvm::IRBuilder<>& at, llvm::Instruction& i, u32 lane) {
  if (auto* const call = llvm::dyn_cast<llvm::IntrinsicInst>(&i)) {
    llvm::SmallVector<llvm::Value*> arguments;
    for (llvm::Use& argument : call->args()) arguments.push_back(lane_of(at, argument, lane));
    return scalar_call(at, *call, arguments);
  }
  llvm::Instruction* const scalar = i.clone();
  scalar->mutateType(scalar_of(i.getType()));
  for (u32 k = 0; k < i.getNumOperands(); ++k)
    scalar->setOperand(k, lane_of(at, i.getOperand(k), lane));
  return at.Insert(scalar);
}

// `scalar` as a lane of the vector, or of each vector of the structure.
llvm::Value* put_lane(llvm::IRBuilder<>& at, llvm::Value* whole, llvm::Value* scalar, u32 lane) {
  auto* const record = llvm::dyn_cast<llvm::StructType>(whole->getType());
  if (!record) return at.CreateInsertElement(whole, scalar, lane);
  for (u32 k = 0; k < record->getNumElements(); ++k) {
    llvm::Value* const part = at.CreateInsertElement(at.CreateExtractValue(whole, k),
                                                     at.CreateExtractValue(scalar, k), lane);
    whole = at.CreateInsertValue(whole, part, k);
  }
  return whole;
}

void take_apart(llvm::Instruction& i) {
  llvm::IRBuilder<> at(&i);
  llvm::Value* result = llvm::PoisonValue::get(i.getType());
  for (u32 lane = 0; lane < first_vector(i)->getNumElements(); ++lane)
    result = put_lane(at, result, one_lane(at, i, lane), lane);
  i.replaceAllUsesWith(result);
  i.eraseFromParent();
}

// ---- Reductions --------------------------------------------------------------------------------

enum class Reduction : u8 { Fine, Widened, Chain };

bool has_start(ID id) {
  return id == llvm::Intrinsic::vector_reduce_fadd || id == llvm::Intrinsic::vector_reduce_fmul;
}

// An operator of LLVM's; the others are minima and maxima.
bool is_arithmetic(ID id) {
  switch (id) {
    case llvm::Intrinsic::vector_reduce_smin:
    case llvm::Intrinsic::vector_reduce_smax:
    case llvm::Intrinsic::vector_reduce_umin:
    case llvm::Intrinsic::vector_reduce_umax:
    case llvm::Intrinsic::vector_reduce_fmin:
    case llvm::Intrinsic::vector_reduce_fmax:
      return false;
    default:
      return true;
  }
}

Reduction reduction_of(const llvm::IntrinsicInst& call) {
  const ID id = call.getIntrinsicID();
  if (!llvm::Intrinsic::getBaseName(id).starts_with("llvm.vector.reduce.")) return Reduction::Fine;
  const llvm::Type* const vector = call.getArgOperand(has_start(id) ? 1 : 0)->getType();
  const llvm::Type* const lane = vector->getScalarType();
  if (has_wide_lanes(vector)) return Reduction::Chain;
  if (lane->isHalfTy() || lane->isBFloatTy()) {
    // Minima that pass a NaN on are lowered for them.
    const bool lowered = id == llvm::Intrinsic::vector_reduce_fminimum ||
                         id == llvm::Intrinsic::vector_reduce_fmaximum;
    return lowered ? Reduction::Fine : Reduction::Chain;
  }
  const u32 bits = lane->getScalarSizeInBits();
  const bool odd = lane->isIntegerTy() && bits > 1 && (bits < 8 || !llvm::isPowerOf2_32(bits));
  return odd ? Reduction::Widened : Reduction::Fine;
}

// Integers that wrap, and minima of integers that are extended, are right in their lowest bits.
llvm::Value* widened(llvm::IRBuilder<>& at, llvm::IntrinsicInst& call) {
  llvm::Value* const vector = call.getArgOperand(0);
  const u32 bits = call.getType()->getScalarSizeInBits();
  const bool is_signed = call.getIntrinsicID() == llvm::Intrinsic::vector_reduce_smin ||
                         call.getIntrinsicID() == llvm::Intrinsic::vector_reduce_smax;
  llvm::Type* const lane = at.getIntNTy(std::max<u32>(8, llvm::PowerOf2Ceil(bits)));
  llvm::Type* const wide = llvm::VectorType::get(
      lane, llvm::cast<llvm::VectorType>(vector->getType())->getElementCount());
  llvm::Value* const operand =
      is_signed ? at.CreateSExt(vector, wide) : at.CreateZExt(vector, wide);
  return at.CreateTrunc(at.CreateIntrinsic(call.getIntrinsicID(), {wide}, {operand}),
                        call.getType());
}

// Lane after lane, which is the order that is asked for of sums of floats.
llvm::Value* chained(llvm::IRBuilder<>& at, llvm::IntrinsicInst& call) {
  const ID id = call.getIntrinsicID();
  const bool start = has_start(id);
  llvm::Value* const vector = call.getArgOperand(start ? 1 : 0);
  const u32 lanes = llvm::cast<llvm::FixedVectorType>(vector->getType())->getNumElements();
  const bool arithmetic = is_arithmetic(id);
  llvm::Value* result = start ? call.getArgOperand(0) : lane_of(at, vector, 0);
  for (u32 lane = start ? 0 : 1; lane < lanes; ++lane) {
    llvm::Value* const next = lane_of(at, vector, lane);
    result = arithmetic
                 ? at.CreateBinOp(static_cast<llvm::Instruction::BinaryOps>(
                                      llvm::getArithmeticReductionInstruction(id)),
                                  result, next)
                 : at.CreateBinaryIntrinsic(llvm::getMinMaxReductionIntrinsicOp(id), result, next);
  }
  return result;
}

// ---- Others ------------------------------------------------------------------------------------

bool is_mask(const llvm::Type* type) {
  return type->isVectorTy() && type->getScalarType()->isIntegerTy(1);
}

// Between a mask and a vector, by way of the integer of as many bits.
bool is_mask_cast(const llvm::Instruction& i) {
  if (!llvm::isa<llvm::BitCastInst>(i) || i.getType() == i.getOperand(0)->getType()) return false;
  const llvm::Type *const to = i.getType(), *const from = i.getOperand(0)->getType();
  return (is_mask(to) && !from->isIntegerTy()) || (is_mask(from) && !to->isIntegerTy());
}

void cast_by_integer(llvm::Instruction& i) {
  llvm::IRBuilder<> at(&i);
  llvm::Type* const bits =
      at.getIntNTy(static_cast<u32>(i.getType()->getPrimitiveSizeInBits().getFixedValue()));
  // Not folded: the two casts would become one again.
  auto* const integer = llvm::CastInst::Create(llvm::Instruction::BitCast, i.getOperand(0), bits);
  at.Insert(integer);
  i.setOperand(0, integer);
}

// Indices beyond 64 bits are cut, as addresses are.
void cut_indices(llvm::GetElementPtrInst& gep) {
  llvm::IRBuilder<> at(&gep);
  for (u32 k = 1; k < gep.getNumOperands(); ++k) {
    llvm::Value* const index = gep.getOperand(k);
    if (has_wide_lanes(index->getType()))
      gep.setOperand(k, at.CreateTrunc(index, index->getType()->getWithNewBitWidth(kWordBits)));
  }
}

void prepare_function(llvm::Function& function) {
  std::vector<llvm::Instruction*> apart;
  for (llvm::Instruction& i : llvm::make_early_inc_range(llvm::instructions(function))) {
    if (auto* const gep = llvm::dyn_cast<llvm::GetElementPtrInst>(&i)) cut_indices(*gep);
    if (is_mask_cast(i)) cast_by_integer(i);
    auto* const call = llvm::dyn_cast<llvm::IntrinsicInst>(&i);
    const Reduction reduction = call ? reduction_of(*call) : Reduction::Fine;
    if (reduction == Reduction::Fine) continue;
    llvm::IRBuilder<> at(call);
    call->replaceAllUsesWith(reduction == Reduction::Chain ? chained(at, *call)
                                                           : widened(at, *call));
    call->eraseFromParent();
  }
  for (llvm::Instruction& i : llvm::instructions(function))
    if (is_lane_by_lane(i)) apart.push_back(&i);
  for (llvm::Instruction* const i : apart) take_apart(*i);
}

}  // namespace

void take_lanes_apart(llvm::Module& module) {
  for (llvm::Function& f : module) prepare_function(f);
}

}  // namespace bf::lower
