// Intrinsics of floats that are more than one operation.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IntrinsicInst.h>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

namespace {

// What LLVM's code generator for x86-64 knows to be a number.
bool is_number(const llvm::Value& value) {
  if (llvm::isa<llvm::SIToFPInst, llvm::UIToFPInst>(value)) return true;
  const auto* const constant = llvm::dyn_cast<llvm::Constant>(&value);
  if (!constant || !llvm::isa<llvm::ConstantFP, llvm::ConstantDataVector>(constant)) return false;
  if (const auto* const lanes = llvm::dyn_cast<llvm::ConstantDataVector>(constant)) {
    for (u32 n = 0; n < lanes->getNumElements(); ++n)
      if (lanes->getElementAsAPFloat(n).isNaN()) return false;
    return true;
  }
  return !llvm::cast<llvm::ConstantFP>(constant)->isNaN();
}

}  // namespace

// Of zeros of both signs, and of two NaNs, either will do. These are the ones that minsd leaves in
// the code that LLVM makes: its operands are swapped unless the second one is a number.
void FunctionLowering::intrinsic_min_max(const llvm::CallBase& call, Op op) {
  const llvm::Value *a = call.getArgOperand(0), *b = call.getArgOperand(1);
  const auto *x = llvm::dyn_cast<llvm::ConstantFP>(a), *y = llvm::dyn_cast<llvm::ConstantFP>(b);
  if (x && y) {
    const auto choose = op == Op::fminnum ? llvm::minnum : llvm::maxnum;
    const llvm::APFloat chosen = choose(x->getValueAPF(), y->getValueAPF());
    return set(call, get(*llvm::ConstantFP::get(call.getType(), chosen)));
  }
  if (!is_extended(call) && !call.hasNoNaNs() && !is_number(*b)) std::swap(a, b);
  lower_float(call, op, {a, b});
}

// Of IEEE 754-2019: a NaN is passed on, and -0 is less than 0.
ValueId FunctionLowering::minimum(ValueId a, ValueId b, bool least) {
  const ValueId x = e_.as_integer(a), y = e_.as_integer(b);
  const ValueId equal =
      e_.from_integer(e_.binary(least ? Op::or_ : Op::and_, x, y), e_.type(a).kind);
  ValueId chosen = e_.select(e_.compare(least ? Op::folt : Op::fogt, b, a), b, a);
  chosen = e_.select(e_.compare(Op::foeq, a, b), equal, chosen);
  return e_.select(e_.compare(Op::funo, a, b), e_.binary(Op::fadd, a, b), chosen);
}

void FunctionLowering::intrinsic_minimum(const llvm::CallBase& call, Op op) {
  const Parts a = widen_floats(get(*call.getArgOperand(0)));
  const Parts b = widen_floats(get(*call.getArgOperand(1)));
  if (is_extended(call)) return fail(call, "this function of a long double is not supported");
  Parts result;
  for (usize i = 0; i < a.size(); ++i) result.push_back(minimum(a[i], b[i], op == Op::fminnum));
  set(call, narrow_floats(result, leaf(call).part.kind));
}

void FunctionLowering::intrinsic_reduce_minimum(const llvm::CallBase& call, Op op) {
  const Leaf& type = leaf(*call.getArgOperand(0));
  const Parts parts = widen_floats(get(*call.getArgOperand(0)));
  ValueId result = e_.extract(parts, e_.constant(kI32, 0));
  for (u32 lane = 1; lane < type.lanes; ++lane)
    result = minimum(result, e_.extract(parts, e_.constant(kI32, lane)), op == Op::fminnum);
  set(call, narrow_floats({result}, leaf(call).part.kind));
}

// Out of range: the nearest there is; 0 for a NaN.
void FunctionLowering::intrinsic_saturating_cast(const llvm::CallBase& call, Op op) {
  const Leaf& to = leaf(call);
  const llvm::Value& source = *call.getArgOperand(0);
  if (to.lanes != 1 || to.bits > 64 || is_extended(source)) {
    fail(call, "this saturating conversion is not supported");
    return set(call, zeros(call.getType()));
  }
  const bool is_signed = op == Op::fptosi;
  const ValueId x = widen_floats(get(source))[0];
  const Type type = e_.type(x);
  const u64 least = is_signed ? u64{1} << (to.bits - 1) : 0;
  const u64 most = is_signed ? least - 1 : to.bits == 64 ? ~u64{0} : (u64{1} << to.bits) - 1;
  const auto power = [&](u32 exponent, bool negative) {  // 2^exponent
    return type == kF64 ? e_.constant(type, u64{1023 + exponent} << 52 | u64{negative} << 63)
                        : e_.constant(type, u64{127 + exponent} << 23 | u64{negative} << 31);
  };
  const ValueId above = power(is_signed ? to.bits - 1 : to.bits, false);
  const ValueId below = is_signed ? power(to.bits - 1, true) : e_.constant(type, 0);
  const Kind wide = Kind::I64;
  ValueId value = e_.cast(op, wide, x);
  value = e_.select(e_.compare(Op::foge, x, above), e_.constant({wide}, most), value);
  // As a pattern of 64 bits: the narrowing below cuts it.
  value = e_.select(e_.compare(Op::folt, x, below), e_.constant({wide}, least), value);
  value = e_.select(e_.compare(Op::funo, x, x), e_.constant({wide}, 0), value);
  set(call, e_.clear_above(e_.resize(value, to.part.kind), to.bits));
}

// The number is a 32-bit integer. {fraction, exponent} for frexp.
void FunctionLowering::intrinsic_exponent(const llvm::CallBase& call, Op) {
  const llvm::Intrinsic::ID id = call.getIntrinsicID();
  const llvm::Value& source = *call.getArgOperand(0);
  const Leaf& type = leaf(source);
  if (type.lanes != 1 || is_extended(source)) {
    fail(call, "this function of a vector or a long double is not supported");
    return set(call, zeros(call.getType()));
  }
  const ValueId x = widen_floats(get(source))[0];
  const Kind kind = e_.type(x).kind;
  const bool is_double = kind == Kind::F64;
  if (id == llvm::Intrinsic::frexp) {
    const ValueId place = e_.stack_alloc(8, 3);
    const ValueId fraction = call_library(is_double ? "frexp" : "frexpf", {x, place}, {kind})[0];
    const Parts result = narrow_floats({fraction}, type.part.kind);
    const ValueId exponent = e_.load(kI32, place, 0, 2);
    return set(call, Parts{result[0], exponent});
  }
  const ValueId n = e_.resize(one(*call.getArgOperand(1)), Kind::I32, true);
  const char* const name = id == llvm::Intrinsic::powi ? (is_double ? "__powidf2" : "__powisf2")
                                                       : (is_double ? "ldexp" : "ldexpf");
  set(call, narrow_floats(call_library(name, {x, n}, {kind}), type.part.kind));
}

}  // namespace bf::lower
