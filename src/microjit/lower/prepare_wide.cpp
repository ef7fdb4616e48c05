// Operations on integers of more than 64 bits that are made of others.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/Transforms/Utils/IntegerDivision.h>

#include <vector>

#include "microjit/lower/prepare.h"
#include "runtime/base.h"

namespace bf::lower {

namespace {

constexpr u32 kWordBits = 64;
constexpr u32 kLibraryBits = 128;  // what the run-time library divides

u32 bits_of(const llvm::Value& value) {
  return value.getType()->isIntegerTy() ? value.getType()->getIntegerBitWidth() : 0;
}

// The number of the case, from 1 on, found by comparing with one after the other; 0 for none.
void switch_on_case_number(llvm::SwitchInst& choice) {
  llvm::IRBuilder<> at(&choice);
  llvm::Value* number = at.getInt32(0);
  u32 next = 0;
  for (auto& c : choice.cases()) {
    llvm::Value* const equal = at.CreateICmpEQ(choice.getCondition(), c.getCaseValue());
    number = at.CreateSelect(equal, at.getInt32(++next), number);
    c.setValue(at.getInt32(next));
  }
  choice.setCondition(number);
}

// The amount is taken modulo the width; shifting by the whole width is not defined, so it is done
// in two steps.
void replace_funnel_shift(llvm::IntrinsicInst& call) {
  llvm::IRBuilder<> at(&call);
  const bool left = call.getIntrinsicID() == llvm::Intrinsic::fshl;
  const u32 bits = bits_of(call);
  llvm::Value *const high = call.getArgOperand(0), *const low = call.getArgOperand(1);
  const auto constant = [&](u64 value) { return llvm::ConstantInt::get(call.getType(), value); };
  llvm::Value* const amount = at.CreateURem(call.getArgOperand(2), constant(bits));
  llvm::Value* const rest = at.CreateSub(constant(bits - 1), amount);
  llvm::Value* const upper =
      left ? at.CreateShl(high, amount) : at.CreateShl(at.CreateShl(high, constant(1)), rest);
  llvm::Value* const lower =
      left ? at.CreateLShr(at.CreateLShr(low, constant(1)), rest) : at.CreateLShr(low, amount);
  call.replaceAllUsesWith(at.CreateOr(upper, lower));
  call.eraseFromParent();
}

bool is_funnel_shift(const llvm::Instruction& i) {
  const auto* const call = llvm::dyn_cast<llvm::IntrinsicInst>(&i);
  if (!call || bits_of(i) <= kWordBits || llvm::isPowerOf2_32(bits_of(i))) return false;
  return call->getIntrinsicID() == llvm::Intrinsic::fshl ||
         call->getIntrinsicID() == llvm::Intrinsic::fshr;
}

void divide_in_loop(llvm::BinaryOperator& division) {
  const bool quotient = division.getOpcode() == llvm::Instruction::UDiv ||
                        division.getOpcode() == llvm::Instruction::SDiv;
  if (quotient) {
    llvm::expandDivision(&division);
  } else {
    llvm::expandRemainder(&division);
  }
}

}  // namespace

void replace_wide_operations(llvm::Module& module) {
  std::vector<llvm::IntrinsicInst*> shifts;
  std::vector<llvm::BinaryOperator*> divisions;
  for (llvm::Function& f : module)
    for (llvm::Instruction& i : llvm::instructions(f)) {
      auto* const choice = llvm::dyn_cast<llvm::SwitchInst>(&i);
      if (choice && bits_of(*choice->getCondition()) > kWordBits) switch_on_case_number(*choice);
      if (is_funnel_shift(i)) shifts.push_back(llvm::cast<llvm::IntrinsicInst>(&i));
    }
  for (llvm::IntrinsicInst* const shift : shifts) replace_funnel_shift(*shift);
  for (llvm::Function& f : module)
    for (llvm::Instruction& i : llvm::instructions(f))
      if (i.isIntDivRem() && bits_of(i) > kLibraryBits)
        divisions.push_back(llvm::cast<llvm::BinaryOperator>(&i));
  for (llvm::BinaryOperator* const division : divisions) divide_in_loop(*division);
}

}  // namespace bf::lower
