// Which functions and variables are lowered: what has external linkage, and what that mentions.
#include <llvm/IR/Constants.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/IntrinsicInst.h>

#include "microjit/lower/module_lowering.h"

namespace bf::lower {

namespace {

bool is_metadata(const llvm::GlobalVariable& variable) {
  return variable.getName().starts_with("llvm.");
}

bool is_root(const llvm::GlobalValue& global) {
  return !global.isDeclaration() && !global.hasLocalLinkage() && !global.hasLinkOnceLinkage() &&
         !global.hasAvailableExternallyLinkage();
}

}  // namespace

void ModuleLowering::reach(const llvm::Value& value, std::vector<const llvm::Value*>& pending) {
  if (!llvm::isa<llvm::Constant>(value) || llvm::isa<llvm::ConstantData>(value)) return;
  if (!reachable_.try_emplace(&value, true).second) return;
  if (!llvm::isa<llvm::GlobalValue>(value)) {
    for (const llvm::Use& operand : llvm::cast<llvm::User>(value).operands())
      reach(*operand, pending);
    return;
  }
  pending.push_back(&value);
}

void ModuleLowering::find_reachable() {
  std::vector<const llvm::Value*> pending;
  for (const llvm::GlobalValue& global : source_.global_values()) {
    const auto* const variable = llvm::dyn_cast<llvm::GlobalVariable>(&global);
    if (is_root(global) && !(variable && is_metadata(*variable))) reach(global, pending);
  }
  if (const auto* const used = source_.getGlobalVariable("llvm.used"))
    for (const llvm::Use& entry : used->getInitializer()->operands())
      reach(*entry->stripPointerCasts(), pending);

  while (!pending.empty()) {
    const llvm::Value* const next = pending.back();
    pending.pop_back();
    // The operands of a global: its initialiser, or what it is an alias of.
    for (const llvm::Use& operand : llvm::cast<llvm::User>(next)->operands())
      reach(*operand, pending);
    const auto* const function = llvm::dyn_cast<llvm::Function>(next);
    if (!function) continue;
    for (const llvm::Instruction& i : llvm::instructions(*function))
      for (const llvm::Use& operand : i.operands())
        if (const auto* const callee = llvm::dyn_cast<llvm::Function>(operand);
            !callee || !callee->isIntrinsic())
          reach(*operand, pending);
  }
}

}  // namespace bf::lower
