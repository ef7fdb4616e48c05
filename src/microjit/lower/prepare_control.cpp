// Computed gotos become switches, lists of constructors become functions.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <algorithm>
#include <vector>

#include "microjit/lower/prepare.h"
#include "runtime/base.h"

namespace bf::lower {

namespace {

// ---- Computed gotos ----------------------------------------------------------------------------

// The address of a block becomes its number, from 1 on: it is no null pointer.
std::vector<llvm::BasicBlock*> number_blocks(llvm::Function& function) {
  std::vector<llvm::BasicBlock*> taken;
  for (llvm::BasicBlock& block : function)
    if (block.hasAddressTaken()) taken.push_back(&block);
  auto* const number = llvm::Type::getInt64Ty(function.getContext());
  for (usize n = 0; n < taken.size(); ++n) {
    llvm::BlockAddress* const address = llvm::BlockAddress::lookup(taken[n]);
    if (!address) continue;
    address->replaceAllUsesWith(llvm::ConstantExpr::getIntToPtr(
        llvm::ConstantInt::get(number, n + 1), address->getType()));
    address->destroyConstant();
  }
  return taken;
}

void replace_indirect_jump(llvm::IndirectBrInst& jump,
                           const std::vector<llvm::BasicBlock*>& numbered) {
  llvm::Function& function = *jump.getFunction();
  auto* const nowhere = llvm::BasicBlock::Create(function.getContext(), "", &function);
  new llvm::UnreachableInst(function.getContext(), nowhere);
  llvm::IRBuilder<> at(&jump);
  llvm::Value* const number = at.CreatePtrToInt(jump.getAddress(), at.getInt64Ty());
  llvm::SwitchInst* const choice = at.CreateSwitch(number, nowhere, jump.getNumDestinations());
  llvm::SmallPtrSet<llvm::BasicBlock*, 16> seen;
  for (unsigned n = 0; n < jump.getNumDestinations(); ++n) {
    llvm::BasicBlock* const target = jump.getDestination(n);
    const auto place = std::find(numbered.begin(), numbered.end(), target);
    // One edge is left of several, and of one to a block whose address nobody has, none.
    if (place == numbered.end() || !seen.insert(target).second)
      target->removePredecessor(jump.getParent(), true);
    else
      choice->addCase(at.getInt64(static_cast<u64>(place - numbered.begin()) + 1), target);
  }
  jump.eraseFromParent();
}

// ---- Constructors and destructors --------------------------------------------------------------

struct Entry {
  u64 priority;
  usize place;  // in the list
  llvm::Function* function;
};

std::vector<Entry> entries_of(const llvm::GlobalVariable& list) {
  std::vector<Entry> entries;
  for (const llvm::Use& use : list.getInitializer()->operands()) {
    const auto* const record = llvm::dyn_cast<llvm::ConstantStruct>(use);
    if (!record) continue;
    auto* const function =
        llvm::dyn_cast<llvm::Function>(record->getOperand(1)->stripPointerCasts());
    if (function)
      entries.push_back(
          {llvm::cast<llvm::ConstantInt>(record->getOperand(0))->getZExtValue(), entries.size(),
           function});
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.priority, a.place) < std::pair(b.priority, b.place);
  });
  return entries;
}

void make_caller(llvm::Module& module, const char* list_name, const char* name, bool backwards) {
  llvm::GlobalVariable* const list = module.getGlobalVariable(list_name);
  if (!list) return;
  std::vector<Entry> entries;
  if (list->hasInitializer()) entries = entries_of(*list);
  list->eraseFromParent();
  if (backwards) std::reverse(entries.begin(), entries.end());
  auto* const type = llvm::FunctionType::get(llvm::Type::getVoidTy(module.getContext()), false);
  auto* const caller =
      llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module);
  llvm::IRBuilder<> at(llvm::BasicBlock::Create(module.getContext(), "", caller));
  for (const Entry& entry : entries) at.CreateCall(type, entry.function);
  at.CreateRetVoid();
}

}  // namespace

void replace_computed_gotos(llvm::Module& module) {
  for (llvm::Function& function : module) {
    const std::vector<llvm::BasicBlock*> numbered = number_blocks(function);
    std::vector<llvm::IndirectBrInst*> jumps;
    for (llvm::BasicBlock& block : function)
      if (auto* const jump = llvm::dyn_cast_or_null<llvm::IndirectBrInst>(block.getTerminator()))
        jumps.push_back(jump);
    for (llvm::IndirectBrInst* const jump : jumps) replace_indirect_jump(*jump, numbered);
  }
}

void make_constructors(llvm::Module& module) {
  make_caller(module, "llvm.global_ctors", "bf_constructors", false);
  make_caller(module, "llvm.global_dtors", "bf_destructors", true);
}

}  // namespace bf::lower
