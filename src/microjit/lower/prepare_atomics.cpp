// Atomic operations that x86 has no instruction for: loops around a compare-exchange, and calls of
// the C run-time library (libatomic's names) for what is 16 bytes wide.
#include <llvm/CodeGen/AtomicExpandUtils.h>
#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>

#include <vector>

#include "microjit/lower/prepare.h"
#include "runtime/base.h"

namespace bf::lower {

namespace {

constexpr u32 kWideBits = 128;
constexpr int kSequentiallyConsistent = 5;  // as the library counts the orders

bool is_wide(const llvm::Type* type, const llvm::DataLayout& layout) {
  return layout.getTypeSizeInBits(const_cast<llvm::Type*>(type)) == kWideBits;
}

bool has_instruction(const llvm::AtomicRMWInst& update, const llvm::DataLayout& layout) {
  if (is_wide(update.getType(), layout)) return false;
  switch (update.getOperation()) {
    case llvm::AtomicRMWInst::Xchg:
    case llvm::AtomicRMWInst::Add:
    case llvm::AtomicRMWInst::Sub:
    case llvm::AtomicRMWInst::And:
    case llvm::AtomicRMWInst::Or:
    case llvm::AtomicRMWInst::Xor:
      return true;
    default:
      return false;
  }
}

void make_compare_exchange(llvm::IRBuilderBase& at, llvm::Value* address, llvm::Value* loaded,
                           llvm::Value* fresh, llvm::Align align, llvm::AtomicOrdering order,
                           llvm::SyncScope::ID scope, llvm::Value*& success, llvm::Value*& now) {
  llvm::Type* const type = fresh->getType();
  const bool is_float = type->isFloatingPointTy() || type->isVectorTy();
  llvm::Type* const bits =
      is_float ? at.getIntNTy(static_cast<unsigned>(type->getPrimitiveSizeInBits())) : type;
  llvm::Value* const pair = at.CreateAtomicCmpXchg(
      address, at.CreateBitCast(loaded, bits), at.CreateBitCast(fresh, bits), align, order,
      llvm::AtomicCmpXchgInst::getStrongestFailureOrdering(order), scope);
  success = at.CreateExtractValue(pair, 1);
  now = at.CreateBitCast(at.CreateExtractValue(pair, 0), type);
}

class WideAtomics {
 public:
  explicit WideAtomics(llvm::Module& module) : module_(module) {}

  void replace(llvm::Instruction& instruction) {
    llvm::IRBuilder<> at(&instruction);
    if (auto* const load = llvm::dyn_cast<llvm::LoadInst>(&instruction)) return replace(*load, at);
    if (auto* const store = llvm::dyn_cast<llvm::StoreInst>(&instruction))
      return replace(*store, at);
    if (auto* const exchange = llvm::dyn_cast<llvm::AtomicCmpXchgInst>(&instruction))
      replace(*exchange, at);
  }

 private:
  void replace(llvm::LoadInst& load, llvm::IRBuilder<>& at) {
    llvm::Type* const wide = at.getIntNTy(kWideBits);
    const auto function = module_.getOrInsertFunction("__atomic_load_16", wide, at.getPtrTy(),
                                                      at.getInt32Ty());
    llvm::Value* const value =
        at.CreateCall(function, {load.getPointerOperand(), at.getInt32(kSequentiallyConsistent)});
    load.replaceAllUsesWith(at.CreateBitCast(value, load.getType()));
    load.eraseFromParent();
  }

  void replace(llvm::StoreInst& store, llvm::IRBuilder<>& at) {
    llvm::Type* const wide = at.getIntNTy(kWideBits);
    const auto function = module_.getOrInsertFunction(
        "__atomic_store_16", at.getVoidTy(), at.getPtrTy(), wide, at.getInt32Ty());
    at.CreateCall(function,
                  {store.getPointerOperand(), at.CreateBitCast(store.getValueOperand(), wide),
                   at.getInt32(kSequentiallyConsistent)});
    store.eraseFromParent();
  }

  // The library writes what it found over what was expected.
  void replace(llvm::AtomicCmpXchgInst& exchange, llvm::IRBuilder<>& at) {
    llvm::Type* const wide = at.getIntNTy(kWideBits);
    const auto function = module_.getOrInsertFunction(
        "__atomic_compare_exchange_16", at.getInt8Ty(), at.getPtrTy(), at.getPtrTy(), wide,
        at.getInt32Ty(), at.getInt32Ty());
    llvm::IRBuilder<> entry(&*exchange.getFunction()->getEntryBlock().getFirstInsertionPt());
    llvm::Value* const expected = entry.CreateAlloca(wide);
    at.CreateStore(exchange.getCompareOperand(), expected);
    llvm::Value* const order = at.getInt32(kSequentiallyConsistent);
    llvm::Value* const equal = at.CreateCall(
        function,
        {exchange.getPointerOperand(), expected, exchange.getNewValOperand(), order, order});
    llvm::Value* pair = llvm::PoisonValue::get(exchange.getType());
    pair = at.CreateInsertValue(pair, at.CreateLoad(wide, expected), 0);
    pair = at.CreateInsertValue(pair, at.CreateTrunc(equal, at.getInt1Ty()), 1);
    exchange.replaceAllUsesWith(pair);
    exchange.eraseFromParent();
  }

  llvm::Module& module_;
};

bool is_wide_atomic(const llvm::Instruction& i, const llvm::DataLayout& layout) {
  if (!i.isAtomic()) return false;
  if (const auto* const load = llvm::dyn_cast<llvm::LoadInst>(&i))
    return is_wide(load->getType(), layout);
  if (const auto* const store = llvm::dyn_cast<llvm::StoreInst>(&i))
    return is_wide(store->getValueOperand()->getType(), layout);
  if (const auto* const exchange = llvm::dyn_cast<llvm::AtomicCmpXchgInst>(&i))
    return is_wide(exchange->getCompareOperand()->getType(), layout);
  return false;
}

}  // namespace

void expand_atomics(llvm::Module& module) {
  const llvm::DataLayout& layout = module.getDataLayout();
  std::vector<llvm::AtomicRMWInst*> updates;
  for (llvm::Function& f : module)
    for (llvm::Instruction& i : llvm::instructions(f))
      if (auto* const update = llvm::dyn_cast<llvm::AtomicRMWInst>(&i);
          update && !has_instruction(*update, layout))
        updates.push_back(update);
  for (llvm::AtomicRMWInst* const update : updates)
    llvm::expandAtomicRMWToCmpXchg(update, make_compare_exchange);

  std::vector<llvm::Instruction*> wide;
  for (llvm::Function& f : module)
    for (llvm::Instruction& i : llvm::instructions(f))
      if (is_wide_atomic(i, layout)) wide.push_back(&i);
  for (llvm::Instruction* const i : wide) WideAtomics(module).replace(*i);
}

}  // namespace bf::lower
