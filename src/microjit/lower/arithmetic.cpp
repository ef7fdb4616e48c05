// Integer and float arithmetic, comparisons, select.
#include <llvm/IR/Constants.h>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

namespace {

Op binary_op(llvm::Instruction::BinaryOps opcode) {
  switch (opcode) {
#define BF_LLVM_BINARY(llvm_name, name) \
  case llvm::Instruction::llvm_name:    \
    return Op::name;
#define BF_LLVM_COMPARE(llvm_name, name)
#include "microjit/lower/opcodes.def"
#undef BF_LLVM_BINARY
#undef BF_LLVM_COMPARE
    default:
      BF_UNREACHABLE("a binary operator that opcodes.def does not have");
  }
}

Op compare_op(llvm::CmpInst::Predicate predicate) {
  switch (predicate) {
#define BF_LLVM_BINARY(llvm_name, name)
#define BF_LLVM_COMPARE(llvm_name, name) \
  case llvm::CmpInst::llvm_name:         \
    return Op::name;
#include "microjit/lower/opcodes.def"
#undef BF_LLVM_BINARY
#undef BF_LLVM_COMPARE
    default:
      BF_UNREACHABLE("a predicate that opcodes.def does not have");
  }
}

bool takes_signs(Op op) {
  return op == Op::sdiv || op == Op::srem || op == Op::ashr || op == Op::smin || op == Op::smax ||
         (op >= Op::slt && op <= Op::sge);
}

// Whether bits above an odd width may be set in the result of clean operands.
bool spills_over(Op op) {
  return op == Op::add || op == Op::sub || op == Op::mul || op == Op::shl || takes_signs(op);
}

bool divides(Op op) {
  return op == Op::udiv || op == Op::sdiv || op == Op::urem || op == Op::srem;
}

// i1: false is 0, true is 1 or, signed, -1.
Op i1_compare(Op op) {
  switch (op) {
    case Op::slt:
      return Op::ugt;
    case Op::sle:
      return Op::uge;
    case Op::sgt:
      return Op::ult;
    case Op::sge:
      return Op::ule;
    default:
      return op;
  }
}

bool is_half(Type type) {
  return type.kind == Kind::F16 || type.kind == Kind::BF16;
}

// An `or` of a constant whose bits the other operand never has: a sum, which goes into addresses.
// Sums of odd widths would have to be cut.
bool is_sum(const llvm::BinaryOperator& i) {
  const auto* const bits = llvm::dyn_cast<llvm::PossiblyDisjointInst>(&i);
  return bits && bits->isDisjoint() && llvm::isa<llvm::ConstantInt>(i.getOperand(1)) &&
         (i.getType()->isIntegerTy(32) || i.getType()->isIntegerTy(64));
}

const char* library_name(Op op) {
  switch (op) {
    case Op::udiv:
      return "__udivti3";
    case Op::sdiv:
      return "__divti3";
    case Op::urem:
      return "__umodti3";
    default:
      return "__modti3";
  }
}

}  // namespace

void FunctionLowering::lower_binary(const llvm::BinaryOperator& i) {
  const Op op = is_sum(i) ? Op::add : binary_op(i.getOpcode());
  if (i.getType()->isFPOrFPVectorTy())
    return lower_float(i, op, {i.getOperand(0), i.getOperand(1)});
  lower_integer_binary(i, op, *i.getOperand(0), *i.getOperand(1));
}

ValueId FunctionLowering::narrow_binary(Op op, ValueId a, ValueId b, u32 bits) {
  if (takes_signs(op)) {
    a = e_.sign_above(a, bits);
    if (op != Op::ashr) b = e_.sign_above(b, bits);
  }
  const ValueId result = e_.binary(op, a, b);
  return spills_over(op) ? e_.clear_above(result, bits) : result;
}

// What integer arithmetic comes to for one bit, where shifts by 1 and division by 0 do not matter.
// The same holds for every lane of a mask.
ValueId FunctionLowering::bit_binary(Op op, ValueId a, ValueId b) {
  switch (op) {
    case Op::add:
    case Op::sub:
      return e_.binary(Op::xor_, a, b);
    case Op::mul:
    case Op::umin:
    case Op::smax:
      return e_.binary(Op::and_, a, b);
    case Op::umax:
    case Op::smin:
      return e_.binary(Op::or_, a, b);
    case Op::and_:
    case Op::or_:
    case Op::xor_:
      return e_.binary(op, a, b);
    case Op::urem:
    case Op::srem:
      return e_.constant(e_.type(a), 0);
    default:
      return a;
  }
}

void FunctionLowering::lower_mask_binary(const llvm::Value& at, Op op, const llvm::Value& a,
                                         const llvm::Value& b) {
  const Kind kind = mask_kind(at);
  const Parts x = mask_as(a, kind), y = mask_as(b, kind);
  Parts result;
  for (usize i = 0; i < x.size(); ++i) result.push_back(bit_binary(op, x[i], y[i]));
  set(at, result);
}

void FunctionLowering::lower_wide_division(const llvm::Value& at, Op op, const Parts& a,
                                           const Parts& b, u32 bits) {
  const bool is_signed = takes_signs(op);
  Wide whole(e_, 128);
  Parts operands = whole.extend(a, bits, is_signed);
  const Parts divisor = whole.extend(b, bits, is_signed);
  operands.insert(operands.end(), divisor.begin(), divisor.end());
  const ir::FunctionType type{std::vector(4, Kind::I64), std::vector(2, Kind::I64)};
  const u32 import = context_.import_from_library(library_name(op), type);
  set(at, whole.truncate(call_with(Op::call_import, import, type, operands), bits));
}

void FunctionLowering::lower_integer_binary(const llvm::Value& at, Op op, const llvm::Value& a,
                                            const llvm::Value& b) {
  if (is_mask(at)) return lower_mask_binary(at, op, a, b);
  const Leaf& type = leaf(at);
  const Parts x = get(a);
  Parts y = get(b);
  if (type.form == Leaf::Form::Wide) {
    if (divides(op)) return lower_wide_division(at, op, x, y, type.bits);
    return set(at, Wide(e_, type.bits).binary(op, x, y));
  }
  if (divides(op) && type.form == Leaf::Form::Vector) y = e_.fill_padding(y, type.lanes, 1);
  Parts result;
  for (usize i = 0; i < x.size(); ++i)
    result.push_back(type.part == kI1 ? bit_binary(op, x[i], y[i])
                                      : narrow_binary(op, x[i], y[i], type.bits));
  set(at, result);
}

// ---- Floats ------------------------------------------------------------------------------------

Parts FunctionLowering::widen_floats(const Parts& parts) {
  return is_half(e_.type(parts[0])) ? e_.convert(Op::fpext, Kind::F32, parts) : parts;
}

Parts FunctionLowering::narrow_floats(const Parts& parts, Kind to) {
  return e_.type(parts[0]).kind == to ? parts : e_.convert(Op::fptrunc, to, parts);
}

// Of f16 and bf16 as f32, rounded after every operation.
void FunctionLowering::lower_float(const llvm::Value& at, Op op,
                                   const std::vector<const llvm::Value*>& operands) {
  if (is_extended(at)) return lower_extended(at, op, operands);
  std::vector<Parts> parts;
  for (const llvm::Value* const operand : operands) parts.push_back(widen_floats(get(*operand)));
  Parts result;
  for (usize i = 0; i < parts[0].size(); ++i) {
    Parts row;
    for (const Parts& operand : parts) row.push_back(operand[i]);
    result.push_back(b_.emit(op, e_.type(row[0]), row));
  }
  set(at, narrow_floats(result, leaf(at).part.kind));
}

// fneg, fabs, copysign: of f16 and bf16 by their bits, so that nothing is rounded.
void FunctionLowering::lower_sign_operation(const llvm::Value& at, Op op, const llvm::Value& a,
                                            const llvm::Value* sign) {
  if (is_extended(at)) return lower_extended_sign(at, op, a, sign);
  if (!is_half(leaf(at).part)) {
    if (sign) return lower_float(at, op, {&a, sign});
    return lower_float(at, op, {&a});
  }
  const Parts x = get(a), y = sign ? get(*sign) : Parts{};
  Parts result;
  for (usize i = 0; i < x.size(); ++i) {
    const ValueId bits = e_.as_integer(x[i]);
    const ValueId top = e_.constant(e_.type(bits), 0x8000),
                  rest = e_.constant(e_.type(bits), 0x7fff);
    ValueId changed =
        op == Op::fneg ? e_.binary(Op::xor_, bits, top) : e_.binary(Op::and_, bits, rest);
    if (op == Op::copysign)
      changed = e_.binary(Op::or_, changed, e_.binary(Op::and_, e_.as_integer(y[i]), top));
    result.push_back(e_.from_integer(changed, leaf(at).part.kind));
  }
  set(at, result);
}

// ---- Comparisons -------------------------------------------------------------------------------

Parts FunctionLowering::integer_compare(Op op, const llvm::Value& a, const llvm::Value& b) {
  Parts result;
  if (is_mask(a)) {
    // Unsigned order of the lanes -1 and 0 is that of 1 and 0.
    const Kind kind = mask_kind(llvm::isa<llvm::Constant>(a) ? b : a);
    const Parts x = mask_as(a, kind), y = mask_as(b, kind);
    for (usize i = 0; i < x.size(); ++i) result.push_back(e_.compare(i1_compare(op), x[i], y[i]));
    return result;
  }
  const Leaf& type = leaf(a);
  const Parts x = get(a), y = get(b);
  if (type.form == Leaf::Form::Wide) return {Wide(e_, type.bits).compare(op, x, y)};
  for (usize i = 0; i < x.size(); ++i) {
    const bool is_signed = takes_signs(op) && type.is_int() && type.part != kI1;
    const ValueId left = is_signed ? e_.sign_above(x[i], type.bits) : x[i];
    const ValueId right = is_signed ? e_.sign_above(y[i], type.bits) : y[i];
    result.push_back(e_.compare(type.part == kI1 ? i1_compare(op) : op, left, right));
  }
  return result;
}

Parts FunctionLowering::float_compare(const llvm::FCmpInst& i) {
  if (is_extended(*i.getOperand(0))) return extended_compare(i);
  const Parts x = widen_floats(get(*i.getOperand(0))), y = widen_floats(get(*i.getOperand(1)));
  const llvm::CmpInst::Predicate predicate = i.getPredicate();
  const bool known =
      predicate == llvm::CmpInst::FCMP_FALSE || predicate == llvm::CmpInst::FCMP_TRUE;
  Parts result;
  for (usize k = 0; k < x.size(); ++k) {
    if (known) {
      result.push_back(e_.constant(ir::compare_result(e_.type(x[k])),
                                   predicate == llvm::CmpInst::FCMP_TRUE ? ~u64{0} : 0));
    } else {
      result.push_back(e_.compare(compare_op(predicate), x[k], y[k]));
    }
  }
  return result;
}

void FunctionLowering::lower_compare(const llvm::CmpInst& i) {
  Parts result;
  if (const auto* const f = llvm::dyn_cast<llvm::FCmpInst>(&i)) {
    result = float_compare(*f);
  } else {
    result = integer_compare(compare_op(i.getPredicate()), *i.getOperand(0), *i.getOperand(1));
  }
  // A comparison of masks of which one is constant may have been made in that one's kind.
  if (is_mask(i) && e_.type(result[0]).is_vector())
    result = e_.convert_integers(result, mask_kind(i), true);
  set(i, result);
}

// ---- Select ------------------------------------------------------------------------------------

void FunctionLowering::lower_select(const llvm::SelectInst& i) {
  const llvm::Value& condition = *i.getCondition();
  Parts a, b;
  if (is_mask(i)) {
    a = mask_as(*i.getTrueValue(), mask_kind(i));
    b = mask_as(*i.getFalseValue(), mask_kind(i));
  } else {
    a = get(*i.getTrueValue());
    b = get(*i.getFalseValue());
  }
  Parts chosen;
  if (is_mask(condition) && e_.type(a[0]).is_vector()) {
    const Parts mask = mask_as(condition, ir::int_kind(e_.type(a[0]).element_bits()));
    for (usize k = 0; k < a.size(); ++k) chosen.push_back(e_.select(mask[k], a[k], b[k]));
  } else {
    const ValueId c = one(condition);
    for (usize k = 0; k < a.size(); ++k) chosen.push_back(e_.select(c, a[k], b[k]));
  }
  set(i, chosen);
}

}  // namespace bf::lower
