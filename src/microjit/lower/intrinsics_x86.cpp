// What clang makes of x86's header files (<immintrin.h>) where LLVM has no instruction of its own,
// and what asks for the machine itself. Vectors here are of up to 64 bytes: one part.
#include <llvm/IR/Constants.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

namespace {

constexpr u32 kBlockBytes = 16;  // AVX2 packs, shuffles and adds within such blocks

// The name of the function of support/ that does it.
const char* library_function(llvm::Intrinsic::ID id) {
  switch (id) {
    case llvm::Intrinsic::x86_sse42_crc32_32_8:
      return "bf_crc32_8";
    case llvm::Intrinsic::x86_sse42_crc32_32_16:
      return "bf_crc32_16";
    case llvm::Intrinsic::x86_sse42_crc32_32_32:
      return "bf_crc32_32";
    case llvm::Intrinsic::x86_sse42_crc32_64_64:
      return "bf_crc32_64";
    case llvm::Intrinsic::x86_bmi_pdep_32:
      return "bf_pdep_32";
    case llvm::Intrinsic::x86_bmi_pdep_64:
      return "bf_pdep_64";
    case llvm::Intrinsic::x86_bmi_pext_32:
      return "bf_pext_32";
    case llvm::Intrinsic::x86_bmi_pext_64:
      return "bf_pext_64";
    case llvm::Intrinsic::x86_bmi_bzhi_32:
      return "bf_bzhi_32";
    case llvm::Intrinsic::x86_bmi_bzhi_64:
      return "bf_bzhi_64";
    case llvm::Intrinsic::x86_bmi_bextr_32:
      return "bf_bextr_32";
    case llvm::Intrinsic::x86_bmi_bextr_64:
      return "bf_bextr_64";
    default:
      return "bf_cycles";
  }
}

}  // namespace

// ---- The machine -------------------------------------------------------------------------------

void FunctionLowering::intrinsic_constant_one(const llvm::CallBase& call, Op) {
  set(call, e_.constant(leaf(call).part, 1));
}

void FunctionLowering::intrinsic_library(const llvm::CallBase& call, Op) {
  Parts operands;
  for (const llvm::Use& argument : call.args()) {
    const Parts passed = to_passed(argument->getType(), get(*argument), false);
    operands.insert(operands.end(), passed.begin(), passed.end());
  }
  set(call, call_library(library_function(call.getIntrinsicID()), operands,
                         {leaf(call).part.kind}));
}

// Of a frame that has nothing in it.
void FunctionLowering::intrinsic_frame_address(const llvm::CallBase& call, Op) {
  set(call, e_.stack_alloc(16, 4));
}

void FunctionLowering::intrinsic_fence(const llvm::CallBase&, Op) {
  e_.emit(Op::fence, {}, {}, 1);
}

// carry in, a, b -> {carry out, sum}
void FunctionLowering::intrinsic_carry(const llvm::CallBase& call, Op op) {
  const ValueId a = one(*call.getArgOperand(1)), b = one(*call.getArgOperand(2));
  const Type type = e_.type(a);
  const ValueId in = one(*call.getArgOperand(0));
  const ValueId carry =
      e_.resize(e_.compare(Op::ne, in, e_.constant(e_.type(in), 0)), type.kind);
  const ValueId first = e_.binary(op, a, b), result = e_.binary(op, first, carry);
  const ValueId one_out =
      op == Op::add ? e_.compare(Op::ult, first, a) : e_.compare(Op::ult, a, b);
  const ValueId other_out =
      op == Op::add ? e_.compare(Op::ult, result, first) : e_.compare(Op::ult, first, carry);
  set(call, Parts{e_.resize(e_.binary(Op::or_, one_out, other_out), Kind::I8), result});
}

// ---- Lane by lane ------------------------------------------------------------------------------

void FunctionLowering::intrinsic_lanes(const llvm::CallBase& call, Op op) {
  set(call, e_.binary(op, one(*call.getArgOperand(0)), one(*call.getArgOperand(1))));
}

// (a + b + 1) / 2 without a wider type.
void FunctionLowering::intrinsic_average(const llvm::CallBase& call, Op) {
  const ValueId a = one(*call.getArgOperand(0)), b = one(*call.getArgOperand(1));
  const ValueId apart = e_.binary(Op::xor_, a, b);
  set(call, e_.binary(Op::sub, e_.binary(Op::or_, a, b),
                      e_.binary(Op::lshr, apart, e_.constant(e_.type(a), 1))));
}

// a < b ? a : b, and so on: not what minnum does with NaNs and zeros.
void FunctionLowering::intrinsic_choose(const llvm::CallBase& call, Op op) {
  const ValueId a = one(*call.getArgOperand(0)), b = one(*call.getArgOperand(1));
  set(call, e_.select(e_.compare(op, a, b), a, b));
}

void FunctionLowering::intrinsic_choose_first(const llvm::CallBase& call, Op op) {
  const ValueId zero = e_.constant(kI32, 0);
  const Parts whole = get(*call.getArgOperand(0));
  const ValueId a = e_.extract(whole, zero), b = e_.extract(get(*call.getArgOperand(1)), zero);
  set(call, e_.insert(whole, e_.select(e_.compare(op, a, b), a, b), zero));
}

void FunctionLowering::intrinsic_first_to_integer(const llvm::CallBase& call, Op op) {
  const ValueId first = e_.extract(get(*call.getArgOperand(0)), e_.constant(kI32, 0));
  set(call, e_.cast(Op::fptosi, leaf(call).part.kind, e_.unary(op, first)));
}

// The immediate names the direction; bit 2: that of the control register.
void FunctionLowering::intrinsic_round_as(const llvm::CallBase& call, Op) {
  const u64 how = llvm::cast<llvm::ConstantInt>(call.getArgOperand(1))->getZExtValue();
  const Op op = how & 4          ? Op::rint
                : (how & 3) == 1 ? Op::floor
                : (how & 3) == 2 ? Op::ceil
                : (how & 3) == 3 ? Op::trunc_f
                                 : Op::rint;
  set(call, e_.unary(op, one(*call.getArgOperand(0))));
}

// The second where the mask's sign is set.
void FunctionLowering::intrinsic_blend(const llvm::CallBase& call, Op) {
  const ValueId mask = e_.as_integer(one(*call.getArgOperand(2)));
  const ValueId chosen = e_.compare(Op::slt, mask, e_.constant(e_.type(mask), 0));
  set(call, e_.select(chosen, one(*call.getArgOperand(1)), one(*call.getArgOperand(0))));
}

void FunctionLowering::intrinsic_sign_bits(const llvm::CallBase& call, Op) {
  const ValueId lanes = e_.as_integer(one(*call.getArgOperand(0)));
  const u32 count = e_.type(lanes).lanes;
  const ValueId bits = e_.emit(Op::mask_bits, {container(std::max(8u, count))}, {lanes});
  set(call, e_.resize(bits, Kind::I32));
}

// ---- Shifts: by the width and more, everything is shifted out ----------------------------------

// An integer, or the low half of a vector.
ValueId FunctionLowering::shift_amount(const llvm::Value& amount) {
  if (!amount.getType()->isVectorTy()) return e_.resize(one(amount), Kind::I64);
  const ValueId halves = e_.bitcast(one(amount), {Kind::I64, 2});
  return e_.extract({halves}, e_.constant(kI32, 0));
}

void FunctionLowering::intrinsic_shift_all(const llvm::CallBase& call, Op op) {
  const ValueId value = one(*call.getArgOperand(0));
  const Type type = e_.type(value);
  const ValueId most = e_.constant(kI64, type.element_bits() - 1);
  ValueId amount = shift_amount(*call.getArgOperand(1));
  const ValueId out = e_.compare(Op::ugt, amount, most);
  if (op == Op::ashr) amount = e_.select(out, most, amount);
  const ValueId each = e_.emit(Op::splat, type, {e_.resize(amount, type.kind)});
  const ValueId shifted = e_.binary(op, value, each);
  set(call, op == Op::ashr ? shifted : e_.select(out, e_.constant(type, 0), shifted));
}

void FunctionLowering::intrinsic_shift_lanes(const llvm::CallBase& call, Op op) {
  const ValueId value = one(*call.getArgOperand(0));
  const Type type = e_.type(value);
  const ValueId most = e_.constant(type, type.element_bits() - 1);
  const ValueId amount = one(*call.getArgOperand(1));
  if (op == Op::ashr) return set(call, e_.binary(op, value, e_.binary(Op::umin, amount, most)));
  const ValueId out = e_.compare(Op::ugt, amount, most);
  set(call, e_.select(out, e_.constant(type, 0), e_.binary(op, value, amount)));
}

// ---- Across lanes ------------------------------------------------------------------------------

// Of two vectors, by blocks: the lanes `first`, `first` + 2 ... of the one and then the other.
ValueId FunctionLowering::every_second(ValueId a, ValueId b, u32 first) {
  const Type type = e_.type(a);
  const u32 block = kBlockBytes / type.element_bytes();
  std::vector<int> mask;
  for (u32 from = 0; from < type.lanes; from += block)
    for (const u32 source : {from, from + type.lanes})
      for (u32 i = first; i < block; i += 2) mask.push_back(static_cast<int>(source + i));
  return e_.shuffle(type, 1, {a}, {b}, mask)[0];
}

void FunctionLowering::intrinsic_horizontal(const llvm::CallBase& call, Op op) {
  const ValueId a = one(*call.getArgOperand(0)), b = one(*call.getArgOperand(1));
  set(call, e_.binary(op, every_second(a, b, 0), every_second(a, b, 1)));
}

// Products of neighbours, added: of i16 to i32; or of unsigned and signed bytes to i16, with
// saturation (op zext).
void FunctionLowering::intrinsic_multiply_pairs(const llvm::CallBase& call, Op op) {
  const bool bytes = op == Op::zext;
  const Kind wide = bytes ? Kind::I16 : Kind::I32;
  const ValueId products = e_.binary(Op::mul, e_.cast(op, wide, one(*call.getArgOperand(0))),
                                     e_.cast(Op::sext, wide, one(*call.getArgOperand(1))));
  const Type type = e_.type(products);
  const Type half{wide, static_cast<u8>(type.lanes / 2)};
  std::vector<int> even, odd;
  for (int i = 0; i < type.lanes; i += 2) {
    even.push_back(i);
    odd.push_back(i + 1);
  }
  const ValueId x = e_.shuffle(half, 1, {products}, {products}, even)[0];
  const ValueId y = e_.shuffle(half, 1, {products}, {products}, odd)[0];
  set(call, e_.binary(bytes ? Op::sadd_sat : Op::add, x, y));
}

// Of eight neighbouring bytes each: the sum of the distances. Halves are added until one is left.
// A start value, and bytes as vectors of 32 bits: the sums of four products are added.
void FunctionLowering::intrinsic_dot_product(const llvm::CallBase& call, Op op) {
  const ValueId start = one(*call.getArgOperand(0));
  const Type sums = e_.type(start), bytes{Kind::I8, static_cast<u8>(4 * sums.lanes)};
  const ValueId products = e_.emit(op, sums,
                                   {e_.bitcast(one(*call.getArgOperand(1)), bytes),
                                    e_.bitcast(one(*call.getArgOperand(2)), bytes)});
  set(call, e_.binary(Op::add, start, products));
}

void FunctionLowering::intrinsic_sum_distances(const llvm::CallBase& call, Op) {
  const ValueId a = one(*call.getArgOperand(0)), b = one(*call.getArgOperand(1));
  ValueId sum = e_.binary(Op::sub, e_.binary(Op::umax, a, b), e_.binary(Op::umin, a, b));
  const u32 bytes = e_.type(sum).bytes();
  for (const Kind kind : {Kind::I16, Kind::I32, Kind::I64}) {
    const Type type{kind, static_cast<u8>(bytes / Type{kind}.element_bytes())};
    const u32 half = type.element_bits() / 2;
    sum = e_.bitcast(sum, type);
    sum = e_.binary(Op::add, e_.binary(Op::and_, sum, e_.constant(type, (u64{1} << half) - 1)),
                    e_.binary(Op::lshr, sum, e_.constant(type, half)));
  }
  set(call, sum);
}

// To lanes of half the width, with signed (op smax) or unsigned saturation.
void FunctionLowering::intrinsic_pack(const llvm::CallBase& call, Op op) {
  const Type to = leaf(call).part;
  const u32 bits = to.element_bits();
  const bool is_signed = op == Op::smax;
  Parts narrow;
  for (u32 n = 0; n < 2; ++n) {
    ValueId wide = one(*call.getArgOperand(n));
    const Type type = e_.type(wide);
    const u64 most = is_signed ? (u64{1} << (bits - 1)) - 1 : (u64{1} << bits) - 1;
    wide = e_.binary(Op::smax, wide, e_.constant(type, is_signed ? ~most : 0));
    wide = e_.binary(Op::smin, wide, e_.constant(type, most));
    narrow.push_back(e_.cast(Op::trunc, to.kind, wide));
  }
  const u32 lanes = to.lanes / 2u, block = lanes / (to.bytes() / kBlockBytes);
  std::vector<int> mask;
  for (u32 from = 0; from < lanes; from += block)
    for (const u32 source : {from, from + lanes})
      for (u32 i = 0; i < block; ++i) mask.push_back(static_cast<int>(source + i));
  set(call, e_.shuffle(to, 1, {narrow[0]}, {narrow[1]}, mask));
}

// Bytes of the same block by number; 0 where bit 7 of the number is set.
void FunctionLowering::intrinsic_byte_shuffle(const llvm::CallBase& call, Op) {
  const ValueId bytes = one(*call.getArgOperand(0)), numbers = one(*call.getArgOperand(1));
  const Type type = e_.type(bytes);
  ValueId result = e_.constant(type, 0);
  for (u32 i = 0; i < type.lanes; ++i) {
    const ValueId lane = e_.constant(kI32, i);
    ValueId number = e_.resize(e_.extract({numbers}, lane), Kind::I32);
    number = e_.binary(Op::and_, number, e_.constant(kI32, kBlockBytes - 1));
    number = e_.binary(Op::or_, number, e_.constant(kI32, i / kBlockBytes * kBlockBytes));
    result = e_.insert({result}, e_.extract({bytes}, number), lane)[0];
  }
  const ValueId none = e_.compare(Op::slt, numbers, e_.constant(type, 0));
  set(call, e_.select(none, e_.constant(type, 0), result));
}

void FunctionLowering::intrinsic_permute(const llvm::CallBase& call, Op) {
  const Parts source = get(*call.getArgOperand(0)), numbers = get(*call.getArgOperand(1));
  Parts result = source;
  for (u32 i = 0; i < leaf(call).lanes; ++i) {
    const ValueId lane = e_.constant(kI32, i);
    result = e_.insert(result, e_.extract(source, e_.extract(numbers, lane)), lane);
  }
  set(call, result);
}

// Whether a & b (op eq) or ~a & b has no bit.
void FunctionLowering::intrinsic_test_bits(const llvm::CallBase& call, Op op) {
  ValueId a = one(*call.getArgOperand(0));
  const ValueId b = one(*call.getArgOperand(1));
  if (op != Op::eq) a = e_.binary(Op::xor_, a, e_.ones(e_.type(a)));
  const ValueId any = e_.emit(Op::reduce_or, kI64, {e_.binary(Op::and_, a, b)});
  set(call, e_.resize(e_.compare(Op::eq, any, e_.constant(kI64, 0)), Kind::I32));
}

// A part of a vector, taken out or replaced.
void FunctionLowering::intrinsic_sub_vector(const llvm::CallBase& call, Op) {
  const bool extracts = call.getIntrinsicID() == llvm::Intrinsic::vector_extract;
  const llvm::Value& whole = *call.getArgOperand(0);
  if (is_mask(whole)) {
    fail(call, "a part of a mask is not supported");
    return set(call, zeros(call.getType()));
  }
  const u64 first = llvm::cast<llvm::ConstantInt>(call.getArgOperand(extracts ? 1 : 2))->getZExtValue();
  Parts result = extracts ? zeros(call.getType()) : get(whole);
  const Parts from = extracts ? get(whole) : get(*call.getArgOperand(1));
  const u32 lanes = extracts ? leaf(call).lanes : leaf(*call.getArgOperand(1)).lanes;
  for (u32 i = 0; i < lanes; ++i) {
    const ValueId source = e_.constant(kI32, extracts ? first + i : i);
    const ValueId target = e_.constant(kI32, extracts ? i : first + i);
    result = e_.insert(result, e_.extract(from, source), target);
  }
  set(call, result);
}

}  // namespace bf::lower
