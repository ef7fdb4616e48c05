// Atomic and volatile accesses, fences. What x86 has no instruction for, prepare() has replaced.
#include "microjit/lower/function_lowering.h"

namespace bf::lower {

// A scalar that one instruction moves: atomic accesses are never of anything else here.
bool FunctionLowering::is_one_access(llvm::Type* type) {
  if (!type->isIntegerTy() && !type->isPointerTy() && !type->isFloatingPointTy()) return false;
  const Leaf& leaf = types_.shape(type).leaves[0];
  return leaf.form == Leaf::Form::Scalar && leaf.part != kI1 &&
         leaf.bits == leaf.part.element_bits();
}

void FunctionLowering::lower_atomic_load(const llvm::LoadInst& i) {
  const Address from = address(*i.getPointerOperand(), i.getAlign());
  const Type type = leaf(i).part;
  const Kind bits = ir::int_kind(type.element_bits());
  const ValueId value =
      e_.emit(Op::atomic_load, {bits}, {from.base}, from.align_log2, from.offset);
  set(i, e_.bitcast(value, type));
}

void FunctionLowering::lower_atomic_store(const llvm::StoreInst& i) {
  const Address to = address(*i.getPointerOperand(), i.getAlign());
  const ValueId value = one(*i.getValueOperand());
  const ValueId bits = e_.bitcast(value, {ir::int_kind(e_.type(value).element_bits())});
  // Nothing that comes after a sequentially consistent store may be seen before it.
  if (i.getOrdering() == llvm::AtomicOrdering::SequentiallyConsistent) {
    e_.emit(Op::atomic_swap, e_.type(bits), {bits, to.base}, 0, to.offset);
  } else {
    e_.emit(Op::atomic_store, {}, {bits, to.base}, to.align_log2, to.offset);
  }
}

namespace {

Op update_op(llvm::AtomicRMWInst::BinOp operation) {
  switch (operation) {
    case llvm::AtomicRMWInst::Xchg:
      return Op::atomic_swap;
    case llvm::AtomicRMWInst::Add:
    case llvm::AtomicRMWInst::Sub:
      return Op::atomic_add;
    case llvm::AtomicRMWInst::And:
      return Op::atomic_and;
    case llvm::AtomicRMWInst::Or:
      return Op::atomic_or;
    default:
      return Op::atomic_xor;
  }
}

}  // namespace

void FunctionLowering::lower_atomic_update(const llvm::AtomicRMWInst& i) {
  if (!is_one_access(i.getType())) {
    fail(i, "an atomic operation on this type is not supported");
    return set(i, zeros(i.getType()));
  }
  const Address at = address(*i.getPointerOperand(), i.getAlign());
  const Type type = leaf(i).part;
  ValueId value = e_.bitcast(one(*i.getValOperand()), {ir::int_kind(type.element_bits())});
  if (i.getOperation() == llvm::AtomicRMWInst::Sub)
    value = e_.binary(Op::sub, e_.constant(e_.type(value), 0), value);
  const ValueId old =
      e_.emit(update_op(i.getOperation()), e_.type(value), {value, at.base}, 0, at.offset);
  set(i, e_.bitcast(old, type));
}

// A weak one may fail for no reason; this one never does.
void FunctionLowering::lower_compare_exchange(const llvm::AtomicCmpXchgInst& i) {
  llvm::Type* const value_type = i.getCompareOperand()->getType();
  if (!is_one_access(value_type)) {
    fail(i, "an atomic operation on this type is not supported");
    return set(i, zeros(i.getType()));
  }
  const Address at = address(*i.getPointerOperand(), i.getAlign());
  const Type type = leaf(*i.getCompareOperand()).part;
  const Type bits{ir::int_kind(type.element_bits())};
  const ValueId expected = e_.bitcast(one(*i.getCompareOperand()), bits);
  const ValueId fresh = e_.bitcast(one(*i.getNewValOperand()), bits);
  const ValueId old =
      e_.emit(Op::atomic_compare, bits, {expected, fresh, at.base}, 0, at.offset);
  set(i, Parts{e_.bitcast(old, type), e_.compare(Op::eq, old, expected)});
}

// Between a thread and its own signal handlers only the compiler has to keep the order.
void FunctionLowering::lower_fence(const llvm::FenceInst& i) {
  const bool full = i.getSyncScopeID() != llvm::SyncScope::SingleThread &&
                    i.getOrdering() == llvm::AtomicOrdering::SequentiallyConsistent;
  e_.emit(Op::fence, {}, {}, full ? 1 : 0);
}

}  // namespace bf::lower
