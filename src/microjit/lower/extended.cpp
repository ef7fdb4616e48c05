// x86's floats of 80 bits (long double): two i64 parts, the fraction and then sign and exponent.
// What moves them is that of an 80-bit integer; what computes with them are functions of support/,
// called as imports.
#include <llvm/IR/Constants.h>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

namespace {

constexpr u64 kSign = 0x8000;

}  // namespace

Parts FunctionLowering::call_library(std::string_view name, const Parts& operands,
                                     std::vector<Kind> results) {
  ir::FunctionType type{{}, std::move(results)};
  for (const ValueId operand : operands) type.parameters.push_back(e_.type(operand).kind);
  return call_with(Op::call_import, context_.import_from_library(name, type), type, operands);
}

// name(fraction, exponent, ...) -> fraction, exponent
void FunctionLowering::lower_extended(const llvm::Value& at, Op op,
                                      const std::vector<const llvm::Value*>& operands) {
  Parts parts;
  for (const llvm::Value* const operand : operands) {
    const Parts own = get(*operand);
    parts.insert(parts.end(), own.begin(), own.end());
  }
  set(at, call_library("bf_f80_" + std::string(ir::op_name(op)), parts, {Kind::I64, Kind::I64}));
}

void FunctionLowering::lower_extended_sign(const llvm::Value& at, Op op, const llvm::Value& a,
                                           const llvm::Value* sign) {
  Parts parts = get(a);
  const ValueId top = e_.constant(kI64, kSign), rest = e_.constant(kI64, kSign - 1);
  if (op == Op::fneg) {
    parts[1] = e_.binary(Op::xor_, parts[1], top);
  } else {
    parts[1] = e_.binary(Op::and_, parts[1], rest);
    if (sign) parts[1] = e_.binary(Op::or_, parts[1], e_.binary(Op::and_, get(*sign)[1], top));
  }
  set(at, parts);
}

// The library gives the bit of LLVM's predicates that is true: equal, greater, less, unordered.
Parts FunctionLowering::extended_compare(const llvm::FCmpInst& i) {
  Parts parts = get(*i.getOperand(0));
  const Parts right = get(*i.getOperand(1));
  parts.insert(parts.end(), right.begin(), right.end());
  const ValueId relation = call_library("bf_f80_compare", parts, {Kind::I32})[0];
  const ValueId wanted = e_.constant(kI32, static_cast<u64>(i.getPredicate()));
  return {e_.compare(Op::ne, e_.binary(Op::and_, relation, wanted), e_.constant(kI32, 0))};
}

void FunctionLowering::lower_extended_cast(const llvm::CastInst& i) {
  const llvm::Value& source = *i.getOperand(0);
  const std::vector<Kind> both{Kind::I64, Kind::I64};
  const Leaf &from = leaf(source), &to = leaf(i);
  const bool integer_side = i.getType()->isIntegerTy() || source.getType()->isIntegerTy();
  if (i.getOpcode() == llvm::Instruction::BitCast) return set(i, get(source));
  if (integer_side && (from.form == Leaf::Form::Wide || to.form == Leaf::Form::Wide)) {
    fail(i, "long double to or from an integer of more than 64 bits is not supported");
    return set(i, zeros(i.getType()));
  }
  switch (i.getOpcode()) {
    case llvm::Instruction::SIToFP:
    case llvm::Instruction::UIToFP: {
      const bool is_signed = i.getOpcode() == llvm::Instruction::SIToFP;
      const ValueId value = e_.resize(integers_from(source, 64, is_signed)[0], Kind::I64);
      return set(i, call_library(is_signed ? "bf_f80_from_i64" : "bf_f80_from_u64", {value}, both));
    }
    case llvm::Instruction::FPToSI:
    case llvm::Instruction::FPToUI: {
      const bool is_signed = i.getOpcode() == llvm::Instruction::FPToSI;
      const ValueId value = call_library(is_signed ? "bf_f80_to_i64" : "bf_f80_to_u64",
                                         get(source), {Kind::I64})[0];
      return set(i, e_.clear_above(e_.resize(value, to.part.kind), to.bits));
    }
    case llvm::Instruction::FPExt: {
      ValueId value = widen_floats(get(source))[0];
      if (e_.type(value) == kF32) value = e_.cast(Op::fpext, Kind::F64, value);
      return set(i, call_library("bf_f80_from_f64", {value}, both));
    }
    case llvm::Instruction::FPTrunc: {
      const bool is_double = to.part == kF64;
      const Parts result = call_library(is_double ? "bf_f80_to_f64" : "bf_f80_to_f32", get(source),
                                        {is_double ? Kind::F64 : Kind::F32});
      return set(i, narrow_floats(result, to.part.kind));
    }
    default:
      fail(i, "this conversion is not supported");
      set(i, zeros(i.getType()));
  }
}

}  // namespace bf::lower
