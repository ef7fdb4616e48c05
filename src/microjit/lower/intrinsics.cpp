// What intrinsics.def names.
#include <llvm/ADT/FloatingPointMode.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <bit>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

bool FunctionLowering::lower_intrinsic(const llvm::CallBase& call) {
  switch (call.getIntrinsicID()) {
#define BF_INTRINSIC(id, handler, op)  \
  case llvm::Intrinsic::id:            \
    intrinsic_##handler(call, Op::op); \
    return true;
#define BF_LIBM(id, name)
#include "microjit/lower/intrinsics.def"
#undef BF_INTRINSIC
#undef BF_LIBM
#define BF_INTRINSIC(id, handler, op)
#define BF_LIBM(id, name) case llvm::Intrinsic::id:
#include "microjit/lower/intrinsics.def"
#undef BF_INTRINSIC
#undef BF_LIBM
    intrinsic_libm(call, Op::unreachable);
    return true;
    default:
      return false;
  }
}

// ---- Hints -------------------------------------------------------------------------------------

void FunctionLowering::intrinsic_drop(const llvm::CallBase&, Op) {}

void FunctionLowering::intrinsic_first(const llvm::CallBase& call, Op) {
  lower_copy(call, *call.getArgOperand(0));
}

void FunctionLowering::intrinsic_zero(const llvm::CallBase& call, Op) {
  set(call, zeros(call.getType()));
}

// Unknown: the largest size, or the smallest where the caller asked for that.
void FunctionLowering::intrinsic_object_size(const llvm::CallBase& call, Op) {
  const bool smallest = llvm::cast<llvm::ConstantInt>(call.getArgOperand(1))->isOne();
  const Leaf& type = leaf(call);
  set(call, e_.clear_above(e_.constant(type.part, smallest ? 0 : ~u64{0}), type.bits));
}

void FunctionLowering::intrinsic_trap(const llvm::CallBase&, Op) {
  call_library("bf_trap", {}, {});
  end_unreachable();
}

// ---- Integers ----------------------------------------------------------------------------------

void FunctionLowering::intrinsic_int_binary(const llvm::CallBase& call, Op op) {
  lower_integer_binary(call, op, *call.getArgOperand(0), *call.getArgOperand(1));
}

ValueId FunctionLowering::narrow_unary(Op op, ValueId value, u32 bits) {
  const Type type = e_.type(value);
  if (type == kI1) return e_.resize(narrow_unary(op, e_.resize(value, Kind::I8), 1), Kind::I1);
  const u32 unused = type.element_bits() - bits;
  if (unused == 0) return e_.unary(op, value);
  const ValueId distance = e_.constant(type, unused);
  switch (op) {
    case Op::abs:
      return e_.clear_above(e_.unary(op, e_.sign_above(value, bits)), bits);
    case Op::ctlz:
      return e_.binary(Op::sub, e_.unary(op, value), distance);
    case Op::cttz:
      return e_.unary(op, e_.binary(Op::or_, value, e_.constant(type, u64{1} << bits)));
    case Op::ctpop:
      return e_.unary(op, value);
    default:
      return e_.binary(Op::lshr, e_.unary(op, value), distance);
  }
}

void FunctionLowering::intrinsic_int_unary(const llvm::CallBase& call, Op op) {
  const llvm::Value& value = *call.getArgOperand(0);
  const Leaf& type = leaf(call);
  if (is_mask(value)) return fail(call, "an operation on the bits of a mask's lanes");
  if (type.form == Leaf::Form::Wide) return set(call, Wide(e_, type.bits).unary(op, get(value)));
  Parts result;
  for (const ValueId part : get(value)) result.push_back(narrow_unary(op, part, type.bits));
  set(call, result);
}

// 0 and 1, or 0 and -1: sums are either one's, differences the first without the second.
void FunctionLowering::saturate_bits(const llvm::CallBase& call, Op op) {
  const bool mask = is_mask(call);
  const auto operand = [&](u32 n) {
    const llvm::Value& value = *call.getArgOperand(n);
    return mask ? mask_as(value, mask_kind(call)) : get(value);
  };
  const bool adds = op == Op::sadd_sat || op == Op::uadd_sat;
  const Parts a = operand(0), b = operand(1);
  Parts result;
  for (usize i = 0; i < a.size(); ++i)
    result.push_back(
        adds ? e_.binary(Op::or_, a[i], b[i])
             : e_.binary(Op::and_, a[i], e_.binary(Op::xor_, b[i], e_.ones(e_.type(b[i])))));
  set(call, result);
}

// Odd widths saturate at the top of their part, and come down again.
void FunctionLowering::intrinsic_saturating(const llvm::CallBase& call, Op op) {
  const Leaf& type = leaf(call);
  if (type.bits == 1) return saturate_bits(call, op);
  const Parts a = get(*call.getArgOperand(0)), b = get(*call.getArgOperand(1));
  if (type.form == Leaf::Form::Wide) return set(call, Wide(e_, type.bits).saturating(op, a, b));
  const u32 unused = type.part.element_bits() - type.bits;
  Parts result;
  for (usize i = 0; i < a.size(); ++i) {
    if (unused == 0) {
      result.push_back(e_.binary(op, a[i], b[i]));
      continue;
    }
    const ValueId distance = e_.constant(type.part, unused);
    const ValueId x = e_.binary(Op::shl, a[i], distance), y = e_.binary(Op::shl, b[i], distance);
    result.push_back(e_.binary(Op::lshr, e_.binary(op, x, y), distance));
  }
  set(call, result);
}

namespace {

Op overflowing_op(Op overflows) {
  switch (overflows) {
    case Op::sadd_overflows:
    case Op::uadd_overflows:
      return Op::add;
    case Op::ssub_overflows:
    case Op::usub_overflows:
      return Op::sub;
    default:
      return Op::mul;
  }
}

bool is_signed_overflow(Op op) {
  return op == Op::sadd_overflows || op == Op::ssub_overflows || op == Op::smul_overflows;
}

}  // namespace

// {result, whether it overflowed}
void FunctionLowering::intrinsic_overflow(const llvm::CallBase& call, Op op) {
  const llvm::Value &left = *call.getArgOperand(0), &right = *call.getArgOperand(1);
  const Leaf& type = leaf(left);
  Parts a = get(left), b = get(right);
  if (type.form == Leaf::Form::Wide) {
    Wide wide(e_, type.bits);
    Parts result = wide.binary(overflowing_op(op), a, b);
    result.push_back(wide.overflows(op, a, b));
    return set(call, result);
  }
  if (type.bits == 1) {
    // The sum of two ones; a difference from zero; of products only that of two -1.
    const bool product = overflowing_op(op) == Op::mul;
    const ValueId both = e_.binary(Op::and_, a[0], b[0]);
    const ValueId below = e_.binary(Op::and_, e_.logical_not(a[0]), b[0]);
    const ValueId never = e_.constant(kI1, 0);
    const ValueId overflows = overflowing_op(op) == Op::sub ? below
                              : op == Op::umul_overflows    ? never
                                                            : both;
    return set(call, Parts{product ? both : e_.binary(Op::xor_, a[0], b[0]), overflows});
  }
  const bool is_signed = is_signed_overflow(op);
  if (is_signed) {
    a[0] = e_.sign_above(a[0], type.bits);
    b[0] = e_.sign_above(b[0], type.bits);
  }
  const ValueId whole = e_.binary(overflowing_op(op), a[0], b[0]);
  ValueId overflows = e_.emit(op, kI1, {a[0], b[0]});
  const ValueId result = e_.clear_above(whole, type.bits);
  if (result != whole) {  // an odd width: it also overflows where the part does not
    const ValueId back = is_signed ? e_.sign_above(result, type.bits) : result;
    overflows = e_.binary(Op::or_, overflows, e_.compare(Op::ne, back, whole));
  }
  set(call, Parts{result, overflows});
}

// The upper (lower) half of two integers side by side, shifted left (right).
void FunctionLowering::intrinsic_funnel(const llvm::CallBase& call, Op op) {
  const llvm::Value &high = *call.getArgOperand(0), &low = *call.getArgOperand(1);
  const Leaf& type = leaf(call);
  const bool left = op == Op::rotl;
  if (type.bits == 1) return lower_copy(call, left ? high : low);
  const Parts a = get(high), b = get(low), c = get(*call.getArgOperand(2));
  const bool power = std::has_single_bit(type.bits);
  if (type.form == Leaf::Form::Wide) {
    Wide wide(e_, type.bits);
    const Parts amount = wide.binary(Op::and_, c, wide.constant(type.bits - 1));
    const Parts rest = wide.binary(Op::xor_, amount, wide.constant(type.bits - 1));
    const Parts one_bit = wide.constant(1);
    const Parts upper = left ? wide.binary(Op::shl, a, amount)
                             : wide.binary(Op::shl, wide.binary(Op::shl, a, one_bit), rest);
    const Parts lower = left ? wide.binary(Op::lshr, wide.binary(Op::lshr, b, one_bit), rest)
                             : wide.binary(Op::lshr, b, amount);
    return set(call, wide.binary(Op::or_, upper, lower));
  }
  const bool exact = type.bits == type.part.element_bits();
  Parts result;
  for (usize i = 0; i < a.size(); ++i) {
    const Type t = type.part;
    if (&high == &low && exact) {
      result.push_back(e_.binary(op, a[i], c[i]));
      continue;
    }
    const ValueId top = e_.constant(t, type.bits - 1), one_bit = e_.constant(t, 1);
    const ValueId amount = power ? e_.binary(Op::and_, c[i], top)
                                 : e_.binary(Op::urem, c[i], e_.constant(t, type.bits));
    const ValueId rest = e_.binary(Op::sub, top, amount);
    const ValueId upper = left ? e_.binary(Op::shl, a[i], amount)
                               : e_.binary(Op::shl, e_.binary(Op::shl, a[i], one_bit), rest);
    const ValueId lower = left ? e_.binary(Op::lshr, e_.binary(Op::lshr, b[i], one_bit), rest)
                               : e_.binary(Op::lshr, b[i], amount);
    result.push_back(e_.clear_above(e_.binary(Op::or_, upper, lower), type.bits));
  }
  set(call, result);
}

// -1, 0 or 1
void FunctionLowering::intrinsic_three_way(const llvm::CallBase& call, Op op) {
  const llvm::Value &a = *call.getArgOperand(0), &b = *call.getArgOperand(1);
  const Leaf& type = leaf(call);
  const Op greater = op == Op::slt ? Op::sgt : Op::ugt;
  const ValueId above = e_.resize(integer_compare(greater, a, b)[0], type.part.kind);
  const ValueId below = e_.resize(integer_compare(op, a, b)[0], type.part.kind);
  const ValueId result = e_.binary(Op::sub, above, below);
  if (type.form == Leaf::Form::Wide)
    return set(call, Wide(e_, type.bits).extend({result}, 64, true));
  set(call, e_.clear_above(result, type.bits));
}

// ---- Floats ------------------------------------------------------------------------------------

void FunctionLowering::intrinsic_float(const llvm::CallBase& call, Op op) {
  std::vector<const llvm::Value*> operands;
  for (const llvm::Use& argument : call.args()) operands.push_back(argument);
  lower_float(call, op, operands);
}

void FunctionLowering::intrinsic_sign(const llvm::CallBase& call, Op op) {
  lower_sign_operation(call, op, *call.getArgOperand(0),
                       op == Op::copysign ? call.getArgOperand(1) : nullptr);
}

// Rounded once where the code is made for machines that can do so, as clang's own code is.
void FunctionLowering::intrinsic_fmuladd(const llvm::CallBase& call, Op) {
  if (has_feature("+fma")) return intrinsic_float(call, Op::fma);
  if (is_extended(call)) {
    Parts parts = get(*call.getArgOperand(0));
    for (u32 n = 1; n < 3; ++n) {
      const Parts next = get(*call.getArgOperand(n));
      parts.insert(parts.end(), next.begin(), next.end());
      parts = call_library(n == 1 ? "bf_f80_fmul" : "bf_f80_fadd", parts, {Kind::I64, Kind::I64});
    }
    return set(call, parts);
  }
  const Parts a = widen_floats(get(*call.getArgOperand(0)));
  const Parts b = widen_floats(get(*call.getArgOperand(1)));
  const Kind kind = leaf(call).part.kind;
  Parts product;
  for (usize i = 0; i < a.size(); ++i) product.push_back(e_.binary(Op::fmul, a[i], b[i]));
  product = widen_floats(narrow_floats(product, kind));
  const Parts c = widen_floats(get(*call.getArgOperand(2)));
  Parts sum;
  for (usize i = 0; i < a.size(); ++i) sum.push_back(e_.binary(Op::fadd, product[i], c[i]));
  set(call, narrow_floats(sum, kind));
}

void FunctionLowering::intrinsic_to_integer(const llvm::CallBase& call, Op op) {
  if (is_extended(*call.getArgOperand(0))) {
    const Parts rounded = call_library("bf_f80_" + std::string(ir::op_name(op)),
                                       get(*call.getArgOperand(0)), {Kind::I64, Kind::I64});
    const ValueId value = call_library("bf_f80_to_i64", rounded, {Kind::I64})[0];
    return set(call, e_.resize(value, leaf(call).part.kind));
  }
  Parts floats = widen_floats(get(*call.getArgOperand(0)));
  for (ValueId& part : floats) part = e_.unary(op, part);
  lower_to_integer(call, Op::fptosi, floats);
}

namespace {

const char* libm_name(llvm::Intrinsic::ID id) {
  switch (id) {
#define BF_INTRINSIC(id, handler, op)
#define BF_LIBM(id, name)   \
  case llvm::Intrinsic::id: \
    return name;
#include "microjit/lower/intrinsics.def"
#undef BF_INTRINSIC
#undef BF_LIBM
    default:
      return "";
  }
}

}  // namespace

void FunctionLowering::intrinsic_libm(const llvm::CallBase& call, Op) {
  const Leaf& type = leaf(call);
  if (is_extended(call)) {
    fail(call, "this function of a long double is not supported");
    return set(call, zeros(call.getType()));
  }
  const bool is_double = type.part.kind == Kind::F64;
  const Kind kind = is_double ? Kind::F64 : Kind::F32;
  const std::string name = std::string(libm_name(call.getIntrinsicID())) + (is_double ? "" : "f");
  const ir::FunctionType function{std::vector(call.arg_size(), kind), {kind}};
  const u32 import = context_.import_from_library(name, function);
  std::vector<Parts> arguments;
  for (const llvm::Use& argument : call.args()) arguments.push_back(widen_floats(get(*argument)));
  Parts result = arguments[0];
  for (u32 lane = 0; lane < type.lanes; ++lane) {
    Parts scalars;
    for (const Parts& parts : arguments)
      scalars.push_back(e_.extract(parts, e_.constant(kI32, lane)));
    const ValueId value = call_with(Op::call_import, import, function, scalars)[0];
    result = e_.insert(result, value, e_.constant(kI32, lane));
  }
  set(call, narrow_floats(result, type.part.kind));
}

bool FunctionLowering::has_feature(llvm::StringRef feature) {
  llvm::SmallVector<llvm::StringRef> features;
  source_.getFnAttribute("target-features").getValueAsString().split(features, ',');
  return llvm::is_contained(features, feature);
}

// Tests of the bits, for each class that is asked for (ISO/IEC 60559's classes).
void FunctionLowering::intrinsic_fpclass(const llvm::CallBase& call, Op) {
  const Leaf& type = leaf(*call.getArgOperand(0));
  const u64 wanted = llvm::cast<llvm::ConstantInt>(call.getArgOperand(1))->getZExtValue();
  if (type.form == Leaf::Form::Extended) {
    const ValueId classes =
        call_library("bf_f80_class", get(*call.getArgOperand(0)), {Kind::I32})[0];
    return set(call, e_.compare(Op::ne, e_.binary(Op::and_, classes, e_.constant(kI32, wanted)),
                                e_.constant(kI32, 0)));
  }
  const ValueId bits = e_.as_integer(one(*call.getArgOperand(0)));
  const Type t = e_.type(bits);
  const u32 width = t.element_bits();
  const u32 fraction = type.part.kind == Kind::F64   ? 52
                       : type.part.kind == Kind::F32 ? 23
                       : type.part.kind == Kind::F16 ? 10
                                                     : 7;
  const u64 sign = u64{1} << (width - 1), least_normal = u64{1} << fraction;
  const u64 infinity = (sign - 1) & ~(least_normal - 1), quiet = infinity | least_normal >> 1;
  const ValueId magnitude = e_.binary(Op::and_, bits, e_.constant(t, sign - 1));
  ValueId result = e_.constant(kI1, 0);
  const auto add = [&](u64 classes, ValueId value, u64 from, u64 to) {
    if (!(wanted & classes)) return;
    const ValueId distance = e_.binary(Op::sub, value, e_.constant(t, from));
    result = e_.binary(Op::or_, result, e_.compare(Op::ule, distance, e_.constant(t, to - from)));
  };
  add(llvm::fcSNan, magnitude, infinity + 1, quiet - 1);
  add(llvm::fcQNan, magnitude, quiet, sign - 1);
  const auto signed_class = [&](u64 positive, u64 negative, u64 from, u64 to) {
    if ((wanted & positive) && (wanted & negative)) return add(positive, magnitude, from, to);
    add(positive, bits, from, to);
    add(negative, bits, from | sign, to | sign);
  };
  signed_class(llvm::fcPosInf, llvm::fcNegInf, infinity, infinity);
  signed_class(llvm::fcPosNormal, llvm::fcNegNormal, least_normal, infinity - 1);
  signed_class(llvm::fcPosSubnormal, llvm::fcNegSubnormal, 1, least_normal - 1);
  signed_class(llvm::fcPosZero, llvm::fcNegZero, 0, 0);
  set(call, result);
}

// ---- Memory ------------------------------------------------------------------------------------

// Up to 64 bytes of a power of two: one load and one store.
bool FunctionLowering::copy_as_values(const llvm::CallBase& call, u64 bytes) {
  if (!std::has_single_bit(bytes) || bytes > ir::kMaxVectorBytes) return false;
  const Type type = bytes <= 8 ? Type{ir::int_kind(static_cast<u32>(bytes) * 8)}
                               : Type{Kind::I8, static_cast<u8>(bytes)};
  const Address to = address(*call.getArgOperand(0), call.getParamAlign(0).valueOrOne());
  const Address from = address(*call.getArgOperand(1), call.getParamAlign(1).valueOrOne());
  e_.store(e_.load(type, from.base, from.offset, from.align_log2), to.base, to.offset,
           to.align_log2);
  return true;
}

void FunctionLowering::intrinsic_copy(const llvm::CallBase& call, Op op) {
  const llvm::Value& size = *call.getArgOperand(2);
  if (const auto* const known = llvm::dyn_cast<llvm::ConstantInt>(&size)) {
    if (known->isZero() || copy_as_values(call, known->getZExtValue())) return;
  }
  e_.emit(
      op, {},
      {one(*call.getArgOperand(0)), one(*call.getArgOperand(1)), e_.resize(one(size), Kind::I64)});
}

void FunctionLowering::intrinsic_fill(const llvm::CallBase& call, Op op) {
  const llvm::Value &value = *call.getArgOperand(1), &size = *call.getArgOperand(2);
  const auto* const byte = llvm::dyn_cast<llvm::ConstantInt>(&value);
  const auto* const known = llvm::dyn_cast<llvm::ConstantInt>(&size);
  if (known && known->isZero()) return;
  if (byte && known && std::has_single_bit(known->getZExtValue()) &&
      known->getZExtValue() <= ir::kMaxVectorBytes) {
    const u64 bytes = known->getZExtValue();
    const Type type = bytes <= 8 ? Type{ir::int_kind(static_cast<u32>(bytes) * 8)}
                                 : Type{Kind::I8, static_cast<u8>(bytes)};
    const Address to = address(*call.getArgOperand(0), call.getParamAlign(0).valueOrOne());
    const u64 pattern = byte->getZExtValue() * 0x0101010101010101;
    return e_.store(e_.constant(type, pattern), to.base, to.offset, to.align_log2);
  }
  e_.emit(op, {}, {one(*call.getArgOperand(0)), one(value), e_.resize(one(size), Kind::I64)});
}

void FunctionLowering::intrinsic_ptrmask(const llvm::CallBase& call, Op) {
  const ValueId bits = e_.bitcast(one(*call.getArgOperand(0)), kI64);
  const ValueId mask = e_.resize(one(*call.getArgOperand(1)), Kind::I64);
  set(call, e_.bitcast(e_.binary(Op::and_, bits, mask), kPtr));
}

void FunctionLowering::intrinsic_stack_save(const llvm::CallBase& call, Op) {
  e_.function().flags |= ir::kGrowsStack;
  set(call, e_.emit(Op::stack_save, kPtr, {}));
}

void FunctionLowering::intrinsic_stack_restore(const llvm::CallBase& call, Op) {
  e_.function().flags |= ir::kGrowsStack;
  e_.emit(Op::stack_restore, {}, {one(*call.getArgOperand(0))});
}

void FunctionLowering::intrinsic_va_start(const llvm::CallBase& call, Op) {
  e_.emit(Op::va_start_, {}, {one(*call.getArgOperand(0))});
}

void FunctionLowering::intrinsic_va_copy(const llvm::CallBase& call, Op) {
  constexpr u64 kVaListBytes = 24;
  e_.emit(
      Op::memcopy, {},
      {one(*call.getArgOperand(0)), one(*call.getArgOperand(1)), e_.constant(kI64, kVaListBytes)});
}

// ---- Vectors -----------------------------------------------------------------------------------

void FunctionLowering::intrinsic_reduce(const llvm::CallBase& call, Op op) {
  lower_reduce(call, op);
}

void FunctionLowering::intrinsic_reduce_float(const llvm::CallBase& call, Op op) {
  lower_float_reduce(call, op);
}

void FunctionLowering::intrinsic_reverse(const llvm::CallBase& call, Op) {
  const llvm::Value& value = *call.getArgOperand(0);
  const Parts parts = as_passed_masks(value);
  const Leaf& type = leaf(value);
  std::vector<int> mask;
  for (u32 i = type.lanes; i-- > 0;) mask.push_back(static_cast<int>(i));
  set(call, e_.shuffle(type.part, type.parts, parts, parts, mask));
}

}  // namespace bf::lower
