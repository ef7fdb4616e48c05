// Calls, and how values are passed (System V AMD64 for what fits into registers).
#include <llvm/IR/Constants.h>
#include <llvm/IR/InlineAsm.h>

#include <algorithm>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

namespace {

enum class AsmEffect : u8 { Nothing, Fence, Unknown };

// Of statements that only pad code, wait a moment (`pause`, `rep; nop`) or order memory accesses.
AsmEffect effect_of(llvm::StringRef text) {
  AsmEffect effect = AsmEffect::Nothing;
  llvm::SmallVector<llvm::StringRef> lines, statements;
  text.split(lines, '\n');
  for (const llvm::StringRef line : lines)
    line.split('#').first.split(statements, ';');  // without the comment
  for (const llvm::StringRef statement : statements) {
    const llvm::StringRef word = statement.trim().split(' ').first.split('\t').first;
    if (word == "mfence" || word == "lfence" || word == "sfence")
      effect = AsmEffect::Fence;
    else if (!llvm::is_contained({"", ".p2align", ".balign", ".align", "nop", "pause", "rep"},
                                 word))
      return AsmEffect::Unknown;
  }
  return effect;
}

}  // namespace

// ---- Passing values ----------------------------------------------------------------------------

ValueId FunctionLowering::to_passed(const Leaf& leaf, ValueId part, bool is_signed) {
  const Type type = e_.type(part);
  const Kind kind = passed_kind(type);
  if (type.is_vector()) {
    const Kind bits = ir::int_kind(type.bytes() * 8);
    return e_.bitcast(
        e_.resize(e_.bitcast(part, {bits}), type.bytes() == 8 ? Kind::I64 : Kind::I32), {kind});
  }
  if (kind == Kind::F32 && type.kind != Kind::F32)  // halves travel in the low bits
    return e_.bitcast(e_.resize(e_.as_integer(part), Kind::I32), kF32);
  if (!type.is_int() || leaf.is_words()) return part;
  if (is_signed) part = e_.sign_above(part, leaf.bits);
  return e_.resize(part, kind, is_signed);
}

ValueId FunctionLowering::from_passed(const Leaf& leaf, ValueId passed) {
  const Type type = leaf.part;
  if (type.is_vector()) {
    const ValueId bits = e_.bitcast(passed, type.bytes() == 8 ? kI64 : kI32);
    return e_.bitcast(e_.resize(bits, ir::int_kind(type.bytes() * 8)), type);
  }
  if (type.is_float() && e_.type(passed) != type)
    return e_.bitcast(e_.resize(e_.bitcast(passed, kI32), Kind::I16), type);
  if (!type.is_int() || leaf.is_words()) return passed;
  return e_.clear_above(e_.resize(passed, type.kind), leaf.bits);
}

Parts FunctionLowering::to_passed(llvm::Type* type, const Parts& parts, bool is_signed) {
  Parts result;
  for (const Leaf& leaf : types_.shape(type).leaves)
    for (u32 k = 0; k < leaf.parts; ++k)
      result.push_back(to_passed(leaf, parts[leaf.first + k], is_signed));
  return result;
}

Parts FunctionLowering::from_passed(llvm::Type* type, const Parts& passed) {
  Parts result;
  for (const Leaf& leaf : types_.shape(type).leaves)
    for (u32 k = 0; k < leaf.parts; ++k)
      result.push_back(from_passed(leaf, passed[leaf.first + k]));
  return result;
}

// A mask's lanes are bytes where it is passed, or put into an aggregate.
Parts FunctionLowering::as_passed_masks(const llvm::Value& value) {
  return is_mask(value) ? mask_as(value, Kind::I8) : get(value);
}

u64 FunctionLowering::parts_bytes(llvm::Type* type) {
  u64 bytes = 0;
  for (const Leaf& leaf : types_.shape(type).leaves)
    bytes += leaf.parts * align_up<u64>(leaf.part.bytes(), 8);
  return bytes;
}

void FunctionLowering::store_parts(const Parts& parts, ValueId pointer) {
  i64 offset = 0;
  for (ValueId part : parts) {
    if (e_.type(part) == kI1) part = e_.resize(part, Kind::I8);
    e_.store(part, pointer, offset, 3);
    offset += align_up<i64>(e_.type(part).bytes(), 8);
  }
}

Parts FunctionLowering::load_parts(llvm::Type* type, ValueId pointer) {
  Parts parts;
  i64 offset = 0;
  for (const Leaf& leaf : types_.shape(type).leaves)
    for (u32 k = 0; k < leaf.parts; ++k) {
      const Type stored = leaf.part == kI1 ? kI8 : leaf.part;
      const ValueId part = e_.load(stored, pointer, offset, 3);
      parts.push_back(leaf.part == kI1 ? e_.resize(part, Kind::I1) : part);
      offset += align_up<i64>(stored.bytes(), 8);
    }
  return parts;
}

void FunctionLowering::push_arguments(const llvm::CallBase& call, const Signature& signature,
                                      Parts& operands) {
  for (u32 i = 0; i < call.arg_size(); ++i) {
    const llvm::Value& argument = *call.getArgOperand(i);
    const Parts parts = as_passed_masks(argument);
    if (signature.parameters[i].by_reference) {
      const ValueId slot = e_.stack_alloc(parts_bytes(argument.getType()), 6);
      store_parts(parts, slot);
      operands.push_back(slot);
      continue;
    }
    const bool is_signed = call.paramHasAttr(i, llvm::Attribute::SExt);
    const Parts passed = to_passed(argument.getType(), parts, is_signed);
    if (!signature.parameters[i].passed.empty()) {
      operands.push_back(e_.stack_alloc(passed.size() * 8, 4));
      store_parts(passed, operands.back());
      continue;
    }
    operands.insert(operands.end(), passed.begin(), passed.end());
  }
}

// ---- The call ----------------------------------------------------------------------------------

Parts FunctionLowering::call_with(Op op, u32 aux, const ir::FunctionType& type,
                                  const Parts& operands) {
  Parts results;
  const Type first = type.results.empty() ? Type{} : Type{type.results[0]};
  const ValueId result = b_.emit(op, first, operands, aux);
  if (!type.results.empty()) results.push_back(result);
  if (type.results.size() > 1) results.push_back(e_.emit(Op::second, {type.results[1]}, {}));
  return results;
}

// A callee whose type is another than the call's (a variadic one's, for example) is called through
// its address.
void FunctionLowering::lower_plain_call(const llvm::CallBase& call) {
  Signature signature = types_.signature(call);
  if (call.hasFnAttr(llvm::Attribute::ReturnsTwice))
    signature.unsupported = "a function that returns twice (setjmp) is not supported";
  if (!signature.unsupported.empty()) {
    fail(call, signature.unsupported);
    return set(call, zeros(call.getType()));
  }
  const auto* const callee =
      llvm::dyn_cast<llvm::Function>(call.getCalledOperand()->stripPointerCastsAndAliases());
  const ModuleLowering::Place* const place = callee ? context_.place(*callee) : nullptr;
  if (callee && !place) return set(call, zeros(call.getType()));  // reported where declared
  const u32 type = context_.module().intern_type(signature.type);
  const bool direct = callee && context_.type_of(*place) == type;
  Parts operands;
  if (!direct) operands.push_back(one(*call.getCalledOperand()));
  ValueId result_slot = ir::kNoValue;
  if (signature.hidden_result) {
    result_slot = e_.stack_alloc(parts_bytes(call.getType()), 6);
    operands.push_back(result_slot);
  }
  push_arguments(call, signature, operands);
  const Op op = !direct                               ? Op::call_indirect
                : place->target == ir::Target::Import ? Op::call_import
                                                      : Op::call;
  const Parts results = call_with(op, direct ? place->index : type, signature.type, operands);
  if (call.getType()->isVoidTy()) return;
  set(call, signature.hidden_result ? load_parts(call.getType(), result_slot)
                                    : from_passed(call.getType(), results));
}

// An empty template with no result is a barrier to the optimiser: it has done its work. One that
// only passes an operand through ("+r") is that operand.
bool FunctionLowering::lower_inline_asm(const llvm::CallBase& call) {
  const auto& code = llvm::cast<llvm::InlineAsm>(*call.getCalledOperand());
  const AsmEffect effect = effect_of(code.getAsmString());
  if (effect == AsmEffect::Unknown) return false;
  if (effect == AsmEffect::Fence) e_.emit(Op::fence, {}, {}, 1);
  if (call.getType()->isVoidTy()) return true;
  const bool tied = call.arg_size() == 1 && call.getArgOperand(0)->getType() == call.getType();
  if (tied) set(call, get(*call.getArgOperand(0)));
  return tied;
}

void FunctionLowering::lower_call(const llvm::CallBase& call) {
  if (call.isInlineAsm()) {
    if (lower_inline_asm(call)) return;
    fail(call, "inline assembly is not supported");
  } else if (call.getIntrinsicID() != llvm::Intrinsic::not_intrinsic) {
    if (lower_intrinsic(call)) return;
    fail(call, "this intrinsic is not supported");
  } else {
    return lower_plain_call(call);
  }
  if (!call.getType()->isVoidTy()) set(call, zeros(call.getType()));
}

}  // namespace bf::lower
