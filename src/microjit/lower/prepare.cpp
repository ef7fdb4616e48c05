#include "microjit/lower/prepare.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Transforms/Scalar/ScalarizeMaskedMemIntrin.h>

#include <vector>

namespace bf::lower {

namespace {

bool uses_masked_memory(const llvm::Module& module) {
  for (const llvm::Function& f : module)
    if (f.isIntrinsic() && f.getName().starts_with("llvm.masked.") && !f.use_empty()) return true;
  return false;
}

// With no target named, LLVM takes none of them for legal.
void scalarize_masked_memory(llvm::Module& module) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  for (llvm::Function& f : module)
    if (!f.isDeclaration()) llvm::ScalarizeMaskedMemIntrinPass().run(f, functions);
}

// The target of an entry `trunc (sub (ptrtoint target), (ptrtoint table)) to i32`, or null.
llvm::Constant* entry_target(const llvm::Constant* entry, const llvm::GlobalVariable* table) {
  const auto* const whole = llvm::dyn_cast<llvm::ConstantExpr>(entry);
  if (!whole || whole->getOpcode() != llvm::Instruction::Trunc) return nullptr;
  const auto* const distance = llvm::dyn_cast<llvm::ConstantExpr>(whole->getOperand(0));
  if (!distance || distance->getOpcode() != llvm::Instruction::Sub) return nullptr;
  const auto* const from = llvm::dyn_cast<llvm::ConstantExpr>(distance->getOperand(0));
  const auto* const to = llvm::dyn_cast<llvm::ConstantExpr>(distance->getOperand(1));
  const bool addresses = from && to && from->getOpcode() == llvm::Instruction::PtrToInt &&
                         to->getOpcode() == llvm::Instruction::PtrToInt;
  return addresses && to->getOperand(0) == table ? from->getOperand(0) : nullptr;
}

// The table with a pointer for every distance, or null: it is something else.
llvm::GlobalVariable* make_pointer_table(llvm::GlobalVariable& table) {
  const auto* const entries = table.hasInitializer()
                                  ? llvm::dyn_cast<llvm::ConstantArray>(table.getInitializer())
                                  : nullptr;
  if (!entries || !table.isConstant()) return nullptr;
  std::vector<llvm::Constant*> pointers;
  for (const llvm::Use& entry : entries->operands()) {
    pointers.push_back(entry_target(llvm::cast<llvm::Constant>(entry), &table));
    if (!pointers.back()) return nullptr;
  }
  auto* const type =
      llvm::ArrayType::get(llvm::PointerType::getUnqual(table.getContext()), pointers.size());
  return new llvm::GlobalVariable(*table.getParent(), type, true, llvm::GlobalValue::PrivateLinkage,
                                  llvm::ConstantArray::get(type, pointers), table.getName());
}

// Offsets into the table are multiples of 4; twice as much in the table of pointers.
void replace_load_relative(llvm::Module& module) {
  std::vector<llvm::IntrinsicInst*> loads;
  for (llvm::Function& f : module)
    if (f.getIntrinsicID() == llvm::Intrinsic::load_relative)
      for (llvm::User* const user : f.users())
        if (auto* const load = llvm::dyn_cast<llvm::IntrinsicInst>(user)) loads.push_back(load);
  llvm::DenseMap<llvm::GlobalVariable*, llvm::GlobalVariable*> tables;
  for (llvm::IntrinsicInst* const load : loads) {
    auto* const table = llvm::dyn_cast<llvm::GlobalVariable>(load->getArgOperand(0));
    if (!table) continue;
    const auto [known, added] = tables.try_emplace(table, nullptr);
    if (added) known->second = make_pointer_table(*table);
    llvm::GlobalVariable* const pointers = tables[table];
    if (!pointers) continue;
    llvm::IRBuilder<> at(load);
    llvm::Value* const offset = at.CreateShl(load->getArgOperand(1), 1);
    llvm::Value* const place = at.CreatePtrAdd(pointers, offset);
    load->replaceAllUsesWith(at.CreateLoad(load->getType(), place));
    load->eraseFromParent();
  }
}

}  // namespace

void prepare(llvm::Module& module) {
  if (uses_masked_memory(module)) scalarize_masked_memory(module);
  replace_load_relative(module);
  replace_computed_gotos(module);
  expand_atomics(module);
  take_lanes_apart(module);
  replace_wide_operations(module);
  make_constructors(module);
}

}  // namespace bf::lower
