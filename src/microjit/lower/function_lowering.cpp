#include "microjit/lower/function_lowering.h"

#include <llvm/IR/Constants.h>

namespace bf::lower {

FunctionLowering::FunctionLowering(ModuleLowering& context, llvm::Function& source,
                                   ir::Function& target)
    : context_(context),
      types_(context.types()),
      source_(source),
      signature_(context.types().signature(source)),
      e_(context.module(), target),
      b_(e_.builder()) {}

void FunctionLowering::fail(const llvm::Value& at, const std::string& what) {
  context_.error(&source_, &at, what);
}

void FunctionLowering::run() {
  order_ = block_order(source_);
  declare_blocks();
  for (llvm::BasicBlock* const block : order_) lower_block(*block);
  b_.finish();
}

// The entry's arguments are the parameters; the others' are their phis, part by part.
void FunctionLowering::declare_blocks() {
  std::vector<Type> types;
  for (const Kind kind : signature_.type.parameters) types.push_back({kind});
  for (llvm::BasicBlock* const block : order_) {
    for (const llvm::PHINode& phi : block->phis()) {
      if (is_mask(phi)) {
        const Leaf mask = mask_leaf_of(phi);
        types.insert(types.end(), mask.parts, mask.part);
        continue;
      }
      for (const Leaf& leaf : shape(phi).leaves) types.insert(types.end(), leaf.parts, leaf.part);
    }
    blocks_[block] = b_.add_block(types);
    types.clear();
  }
}

void FunctionLowering::take_arguments() {
  u32 next = 0;
  if (signature_.hidden_result) hidden_result_ = b_.argument(0, next++);
  for (const llvm::Argument& argument : source_.args()) {
    const Passing& passing = signature_.parameters[argument.getArgNo()];
    Parts passed;
    for (usize i = 0; i < passing.kinds.size(); ++i) passed.push_back(b_.argument(0, next++));
    if (!passing.passed.empty()) {
      const ValueId copy = passed[0];
      passed.clear();
      for (const Kind kind : passing.passed)
        passed.push_back(e_.load({kind}, copy, static_cast<i64>(8 * passed.size()), 3));
    }
    set(argument, passing.by_reference ? load_parts(argument.getType(), passed[0])
                                       : from_passed(argument.getType(), passed));
  }
}

void FunctionLowering::lower_phis(const llvm::BasicBlock& block) {
  u32 next = 0;
  for (const llvm::PHINode& phi : block.phis()) {
    const u32 count = is_mask(phi) ? mask_leaf_of(phi).parts : shape(phi).parts;
    Parts parts;
    for (u32 i = 0; i < count; ++i) parts.push_back(b_.argument(blocks_[&block], next++));
    set(phi, parts);
    if (!shape(phi).unsupported.empty()) fail(phi, shape(phi).unsupported);
  }
}

void FunctionLowering::lower_block(llvm::BasicBlock& block) {
  b_.begin(blocks_[&block]);
  b_.set_location(0);
  addresses_.clear();
  ended_ = false;
  if (&block == &source_.getEntryBlock()) take_arguments();
  lower_phis(block);
  for (llvm::Instruction& instruction : block) {
    if (llvm::isa<llvm::PHINode>(instruction)) continue;
    // Instructions that optimisers made up belong to the line before them.
    if (const ir::Location location = context_.location(instruction)) b_.set_location(location);
    if (supported(instruction)) {
      lower(instruction);
    } else if (instruction.isTerminator()) {
      end_unreachable();
    } else if (!instruction.getType()->isVoidTy()) {
      set(instruction, zeros(instruction.getType()));
    }
    if (ended_) break;
  }
}

bool FunctionLowering::supported(const llvm::Instruction& instruction) {
  std::string why = types_.shape(instruction.getType()).unsupported;
  for (const llvm::Use& operand : instruction.operands()) {
    llvm::Type* const type = operand->getType();
    if (!why.empty()) break;
    if (!type->isLabelTy() && !type->isMetadataTy()) why = types_.shape(type).unsupported;
  }
  if (!why.empty()) fail(instruction, why);
  return why.empty();
}

void FunctionLowering::lower(llvm::Instruction& i) {
  if (i.isTerminator()) {
    if (!lower_terminator(i)) {
      fail(i, "this kind of jump is not supported");
      end_unreachable();
    }
    return;
  }
  if (auto* const x = llvm::dyn_cast<llvm::BinaryOperator>(&i)) return lower_binary(*x);
  if (auto* const x = llvm::dyn_cast<llvm::CmpInst>(&i)) return lower_compare(*x);
  if (auto* const x = llvm::dyn_cast<llvm::CastInst>(&i)) return lower_cast(*x);
  if (auto* const x = llvm::dyn_cast<llvm::CallBase>(&i)) return lower_call(*x);
  if (auto* const x = llvm::dyn_cast<llvm::GEPOperator>(&i)) return lower_gep(*x);
  switch (i.getOpcode()) {
    case llvm::Instruction::FNeg:
      return lower_sign_operation(i, Op::fneg, *i.getOperand(0), nullptr);
    case llvm::Instruction::Load:
      return lower_load(llvm::cast<llvm::LoadInst>(i));
    case llvm::Instruction::Store:
      return lower_store(llvm::cast<llvm::StoreInst>(i));
    case llvm::Instruction::Alloca:
      return lower_alloca(llvm::cast<llvm::AllocaInst>(i));
    case llvm::Instruction::Select:
      return lower_select(llvm::cast<llvm::SelectInst>(i));
    case llvm::Instruction::Freeze:
      return lower_copy(i, *i.getOperand(0));
    case llvm::Instruction::ExtractElement:
      return lower_extract_element(llvm::cast<llvm::ExtractElementInst>(i));
    case llvm::Instruction::InsertElement:
      return lower_insert_element(llvm::cast<llvm::InsertElementInst>(i));
    case llvm::Instruction::ShuffleVector:
      return lower_shuffle(llvm::cast<llvm::ShuffleVectorInst>(i));
    case llvm::Instruction::ExtractValue:
      return lower_extract_value(llvm::cast<llvm::ExtractValueInst>(i));
    case llvm::Instruction::InsertValue:
      return lower_insert_value(llvm::cast<llvm::InsertValueInst>(i));
    case llvm::Instruction::Fence:
      return lower_fence(llvm::cast<llvm::FenceInst>(i));
    case llvm::Instruction::AtomicRMW:
      return lower_atomic_update(llvm::cast<llvm::AtomicRMWInst>(i));
    case llvm::Instruction::AtomicCmpXchg:
      return lower_compare_exchange(llvm::cast<llvm::AtomicCmpXchgInst>(i));
    default:
      break;
  }
  fail(i, "this instruction is not supported");
  if (!i.getType()->isVoidTy()) set(i, zeros(i.getType()));
}

// ---- The end of a block ------------------------------------------------------------------------

void FunctionLowering::end_unreachable() {
  b_.unreachable();
  ended_ = true;
}

bool FunctionLowering::lower_terminator(llvm::Instruction& i) {
  if (auto* const x = llvm::dyn_cast<llvm::BranchInst>(&i)) {
    lower_branch(*x);
  } else if (auto* const x = llvm::dyn_cast<llvm::SwitchInst>(&i)) {
    lower_switch(*x);
  } else if (auto* const x = llvm::dyn_cast<llvm::ReturnInst>(&i)) {
    lower_return(*x);
  } else if (llvm::isa<llvm::UnreachableInst>(i)) {
    end_unreachable();
  } else {
    return false;
  }
  return true;
}

FunctionLowering::Jump FunctionLowering::jump(const llvm::BasicBlock& from,
                                              const llvm::BasicBlock& to) {
  Jump result{blocks_[&to], {}};
  for (const llvm::PHINode& phi : to.phis()) {
    const llvm::Value& incoming = *phi.getIncomingValueForBlock(&from);
    const Parts parts = is_mask(phi) ? mask_as(incoming, mask_kind(phi)) : get(incoming);
    result.arguments.insert(result.arguments.end(), parts.begin(), parts.end());
  }
  return result;
}

void FunctionLowering::lower_branch(const llvm::BranchInst& branch) {
  const llvm::BasicBlock& here = *branch.getParent();
  const Jump first = jump(here, *branch.getSuccessor(0));
  if (branch.isUnconditional()) return b_.br({first.block, first.arguments});
  const ValueId condition = one(*branch.getCondition());
  if (const auto known = e_.constant_bits(condition)) {
    const Jump taken = *known ? first : jump(here, *branch.getSuccessor(1));
    return b_.br({taken.block, taken.arguments});
  }
  const Jump second = jump(here, *branch.getSuccessor(1));
  b_.br_if(condition, {first.block, first.arguments}, {second.block, second.arguments});
}

void FunctionLowering::lower_switch(const llvm::SwitchInst& instruction) {
  const llvm::BasicBlock& here = *instruction.getParent();
  const Leaf& type = leaf(*instruction.getCondition());  // of one part: prepare_wide.cpp
  const Jump otherwise = jump(here, *instruction.getDefaultDest());
  std::vector<u64> cases;
  std::vector<Jump> jumps;
  for (const auto& c : instruction.cases()) {
    cases.push_back(c.getCaseValue()->getZExtValue());
    jumps.push_back(jump(here, *c.getCaseSuccessor()));
  }
  if (cases.empty()) return b_.br({otherwise.block, otherwise.arguments});
  std::vector<ir::Builder::Jump> targets;
  for (const Jump& j : jumps) targets.push_back({j.block, j.arguments});
  // i1 has no switch: as i8, which is the same for 0 and 1.
  const ValueId value = one(*instruction.getCondition());
  b_.switch_on(type.part == kI1 ? e_.resize(value, Kind::I8) : value,
               {otherwise.block, otherwise.arguments}, cases, targets);
}

void FunctionLowering::lower_return(const llvm::ReturnInst& instruction) {
  const llvm::Value* const value = instruction.getReturnValue();
  // Who returns a structure through a pointer returns the pointer, too (System V AMD64, 3.2.3).
  if (!value && source_.hasStructRetAttr()) return b_.ret(get(*source_.getArg(0)));
  if (!value || shape(*value).parts == 0) return b_.ret(std::span<const ValueId>());
  const Parts parts = as_passed_masks(*value);
  if (hidden_result_ != ir::kNoValue) {
    store_parts(parts, hidden_result_);
    return b_.ret(std::span<const ValueId>());
  }
  const bool is_signed = source_.getAttributes().hasRetAttr(llvm::Attribute::SExt);
  b_.ret(to_passed(value->getType(), parts, is_signed));
}

}  // namespace bf::lower
