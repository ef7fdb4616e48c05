// Operands: constants, addresses of globals, masks.
#include <llvm/IR/Constants.h>

#include <algorithm>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

Parts FunctionLowering::zeros(llvm::Type* type) {
  Parts parts;
  for (const Leaf& leaf : types_.shape(type).leaves)
    for (u32 i = 0; i < leaf.parts; ++i) parts.push_back(e_.constant(leaf.part, 0));
  return parts;
}

void FunctionLowering::set(const llvm::Value& value, Parts parts) {
  values_[&value] = std::move(parts);
}

void FunctionLowering::lower_copy(const llvm::Value& at, const llvm::Value& source) {
  set(at, is_mask(at) ? mask_as(source, mask_kind(at)) : get(source));
}

// A value that is missing was never computed: it belongs to code that cannot be reached.
Parts FunctionLowering::get(const llvm::Value& value) {
  if (const auto* const c = llvm::dyn_cast<llvm::Constant>(&value)) return constant(*c);
  const auto found = values_.find(&value);
  if (found != values_.end()) return found->second;
  if (!is_mask(value)) return zeros(value.getType());
  const Leaf mask = mask_leaf_of(value);
  return Parts(mask.parts, e_.constant(mask.part, 0));
}

// Each thread has its own copy; the run-time library (support.def) knows where.
ValueId FunctionLowering::thread_local_address(u32 descriptor) {
  const ir::FunctionType type{{Kind::Ptr}, {Kind::Ptr}};
  const u32 import = context_.import_from_library("bf_thread_local", type);
  const ValueId which = e_.emit(Op::data_addr, kPtr, {}, descriptor);
  return call_with(Op::call_import, import, type, {which})[0];
}

ValueId FunctionLowering::address_of(const llvm::GlobalValue& global) {
  if (const auto* const alias = llvm::dyn_cast<llvm::GlobalAlias>(&global))
    return one(*alias->getAliasee());
  const ModuleLowering::Place* const place = context_.place(global);
  if (!place) return e_.constant(kPtr, 0);  // reported where it was declared
  const auto [known, added] = addresses_.try_emplace(&global, ir::kNoValue);
  if (!added) return known->second;
  ValueId address;
  if (const auto descriptor = context_.thread_local_descriptor(global)) {
    address = thread_local_address(*descriptor);
  } else {
    const Op op = place->target == ir::Target::Data       ? Op::data_addr
                  : place->target == ir::Target::Function ? Op::func_addr
                                                          : Op::import_addr;
    address = e_.emit(op, kPtr, {}, place->index);
  }
  return addresses_[&global] = address;
}

Parts FunctionLowering::constant_expression(const llvm::Constant& constant) {
  const auto* const expression = llvm::dyn_cast<llvm::ConstantExpr>(&constant);
  if (!expression) {
    context_.error(&source_, nullptr, "a constant of a kind that is not supported");
    return zeros(constant.getType());
  }
  if (const auto* const gep = llvm::dyn_cast<llvm::GEPOperator>(expression)) {
    lower_gep(*gep);
  } else {
    llvm::Instruction* const instruction =
        const_cast<llvm::ConstantExpr*>(expression)->getAsInstruction();
    lower(*instruction);
    Parts result = get(*instruction);
    values_.erase(instruction);
    mask_kinds_.erase(instruction);
    instruction->deleteValue();
    return result;
  }
  Parts result = values_[expression];
  values_.erase(expression);
  return result;
}

// Lanes that are plain numbers, straight into bytes.
std::optional<Parts> FunctionLowering::constant_vector(const llvm::Constant& constant,
                                                       const Leaf& leaf) {
  const u32 element = leaf.part.element_bytes();
  std::vector<u8> bytes(u64{leaf.parts} * leaf.part.bytes());
  for (u32 i = 0; i < leaf.lanes; ++i) {
    const llvm::Constant* const c = constant.getAggregateElement(i);
    u64 bits = 0;
    if (!c) return std::nullopt;
    if (const auto* const number = llvm::dyn_cast<llvm::ConstantInt>(c)) {
      bits = number->getZExtValue();
      if (leaf.form == Leaf::Form::Mask) bits = bits ? ~u64{0} : 0;
    } else if (const auto* const number = llvm::dyn_cast<llvm::ConstantFP>(c)) {
      bits = number->getValueAPF().bitcastToAPInt().getZExtValue();
    } else if (!c->isNullValue() && !llvm::isa<llvm::UndefValue>(c)) {
      return std::nullopt;
    }
    for (u32 k = 0; k < element; ++k)
      bytes[u64{i} * element + k] = static_cast<u8>(bits >> (8 * k));
  }
  Parts parts;
  for (u32 k = 0; k < leaf.parts; ++k)
    parts.push_back(b_.vector_constant(
        leaf.part, {bytes.data() + u64{k} * leaf.part.bytes(), leaf.part.bytes()}));
  return parts;
}

Parts FunctionLowering::constant_leaf(const llvm::Constant& c, const Leaf& leaf) {
  if (c.isNullValue() || llvm::isa<llvm::UndefValue>(c))
    return Parts(leaf.parts, e_.constant(leaf.part, 0));
  if (c.getType()->isVectorTy() && leaf.part.is_vector()) {
    if (auto parts = constant_vector(c, leaf)) return *parts;
    if (!llvm::isa<llvm::ConstantVector>(c)) return constant_expression(c);
    Parts parts(leaf.parts, e_.constant(leaf.part, 0));
    for (u32 i = 0; i < leaf.lanes; ++i)
      parts = e_.insert(parts, e_.bitcast(one(*c.getAggregateElement(i)), leaf.part.element()),
                        e_.constant(kI32, i));
    return parts;
  }
  if (c.getType()->isVectorTy()) {  // <1 x T>, or lanes of several parts
    Parts parts;
    for (u32 i = 0; i < leaf.lanes; ++i) {
      const llvm::Constant* const element = c.getAggregateElement(i);
      if (!element) return constant_expression(c);
      const Parts more = constant(*element);
      parts.insert(parts.end(), more.begin(), more.end());
    }
    return parts;
  }
  if (const auto* const number = llvm::dyn_cast<llvm::ConstantFP>(&c);
      number && leaf.form == Leaf::Form::Extended) {
    const llvm::APInt bits = number->getValueAPF().bitcastToAPInt();
    return {e_.constant(kI64, bits.extractBitsAsZExtValue(64, 0)),
            e_.constant(kI64, bits.extractBitsAsZExtValue(16, 64))};
  }
  if (const auto* const number = llvm::dyn_cast<llvm::ConstantFP>(&c))
    return {e_.constant(leaf.part, number->getValueAPF().bitcastToAPInt().getZExtValue())};
  if (const auto* const number = llvm::dyn_cast<llvm::ConstantInt>(&c)) {
    Parts parts;
    for (u32 k = 0; k < leaf.parts; ++k) {
      const u32 width = std::min(64u, leaf.bits - k * 64);
      parts.push_back(
          e_.constant(leaf.part, number->getValue().extractBitsAsZExtValue(width, k * 64)));
    }
    return parts;
  }
  if (const auto* const global = llvm::dyn_cast<llvm::GlobalValue>(&c))
    return {address_of(*global)};
  return constant_expression(c);
}

Parts FunctionLowering::constant(const llvm::Constant& c) {
  const Shape& form = shape(c);
  if (!c.getType()->isAggregateType()) return constant_leaf(c, form.leaves[0]);
  if (c.isNullValue() || llvm::isa<llvm::UndefValue>(c)) return zeros(c.getType());
  Parts parts;
  for (u32 i = 0;; ++i) {
    const llvm::Constant* const element = c.getAggregateElement(i);
    if (!element) break;
    const Parts more = constant(*element);
    parts.insert(parts.end(), more.begin(), more.end());
  }
  return parts.size() == form.parts ? parts : zeros(c.getType());
}

// ---- Masks -------------------------------------------------------------------------------------

Leaf FunctionLowering::mask_leaf_of(const llvm::Value& value) {
  return mask_leaf(llvm::cast<llvm::FixedVectorType>(value.getType())->getNumElements(),
                   mask_kind(value));
}

// Remembers an answer before the question is asked of operands: phis go round in circles.
Kind FunctionLowering::mask_kind(const llvm::Value& value) {
  const auto [known, added] = mask_kinds_.try_emplace(&value, Kind::I8);
  if (!added) return known->second;
  const Kind kind = find_mask_kind(value);
  mask_kinds_[&value] = kind;
  return kind;
}

// As wide as what made it: a comparison's operands, the integer whose bits it was.
Kind FunctionLowering::find_mask_kind(const llvm::Value& value) {
  if (const auto* const compare = llvm::dyn_cast<llvm::CmpInst>(&value)) {
    const llvm::Value& operand = *compare->getOperand(0);
    if (is_mask(operand)) return mask_kind(operand);
    const Kind kind = leaf(operand).part.kind;
    if (kind == Kind::F16 || kind == Kind::BF16) return Kind::I32;
    return ir::int_kind(Type{kind}.element_bits());
  }
  const auto lanes = llvm::cast<llvm::FixedVectorType>(value.getType())->getNumElements();
  if (const auto* const cast = llvm::dyn_cast<llvm::CastInst>(&value)) {
    if (cast->getOpcode() == llvm::Instruction::Trunc) return leaf(*cast->getOperand(0)).part.kind;
    return bits_mask_kind(lanes);
  }
  const auto* const user = llvm::dyn_cast<llvm::Instruction>(&value);
  if (!user || llvm::isa<llvm::CallBase, llvm::ExtractValueInst, llvm::LoadInst>(user))
    return Kind::I8;  // bytes, wherever a mask is no mere intermediate
  for (const llvm::Use& operand : user->operands())
    if (is_mask(*operand) && !llvm::isa<llvm::Constant>(operand) && !mask_kinds_.count(operand))
      return mask_kind(*operand);
  for (const llvm::Use& operand : user->operands())
    if (is_mask(*operand) && !llvm::isa<llvm::Constant>(operand)) return mask_kind(*operand);
  return Kind::I8;
}

Parts FunctionLowering::mask_as(const llvm::Value& value, Kind kind) {
  const u32 lanes = llvm::cast<llvm::FixedVectorType>(value.getType())->getNumElements();
  if (const auto* const c = llvm::dyn_cast<llvm::Constant>(&value)) {
    const Leaf leaf = mask_leaf(lanes, kind);
    if (lanes == 1) return constant_leaf(*c, leaf);
    if (const auto parts = constant_vector(*c, leaf)) return *parts;
  }
  const Parts parts = get(value);
  return lanes == 1 ? parts : e_.convert_integers(parts, kind, true);
}

}  // namespace bf::lower
