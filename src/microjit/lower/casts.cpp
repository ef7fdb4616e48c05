// Conversions between integers, floats, pointers, and reinterpretation of bits.
#include <llvm/IR/Constants.h>

#include "microjit/lower/function_lowering.h"

namespace bf::lower {

void FunctionLowering::lower_cast(const llvm::CastInst& i) {
  if (is_extended(i) || is_extended(*i.getOperand(0))) return lower_extended_cast(i);
  switch (i.getOpcode()) {
    case llvm::Instruction::Trunc:
    case llvm::Instruction::ZExt:
    case llvm::Instruction::SExt:
      return lower_integer_cast(i);
    case llvm::Instruction::FPTrunc:
    case llvm::Instruction::FPExt:
      return lower_float_cast(i);
    case llvm::Instruction::FPToSI:
    case llvm::Instruction::FPToUI:
      return lower_to_integer(i,
                              i.getOpcode() == llvm::Instruction::FPToSI ? Op::fptosi : Op::fptoui,
                              widen_floats(get(*i.getOperand(0))));
    case llvm::Instruction::SIToFP:
    case llvm::Instruction::UIToFP:
      return lower_from_integer(i);
    case llvm::Instruction::PtrToInt: {
      if (i.getType()->isVectorTy())
        return set(i, e_.convert_integers(get(*i.getOperand(0)), leaf(i).part.kind, false));
      const Leaf& type = leaf(i);
      const ValueId bits = e_.bitcast(one(*i.getOperand(0)), kI64);
      if (type.form == Leaf::Form::Wide)
        return set(i, Wide(e_, type.bits).extend({bits}, 64, false));
      return set(i, e_.clear_above(e_.resize(bits, type.part.kind), type.bits));
    }
    case llvm::Instruction::IntToPtr: {
      if (i.getType()->isVectorTy())
        return set(i, e_.convert_integers(get(*i.getOperand(0)), Kind::I64, false));
      return set(i, e_.bitcast(e_.resize(one(*i.getOperand(0)), Kind::I64), kPtr));
    }
    case llvm::Instruction::BitCast:
      return lower_bitcast(i);
    default:
      fail(i, "this conversion is not supported");
      set(i, zeros(i.getType()));
  }
}

// An integer, its lanes, or a mask as integers of that width: 0 and 1, or 0 and -1.
Parts FunctionLowering::integers_from(const llvm::Value& value, u32 bits, bool is_signed) {
  const Kind to = container(bits);
  if (is_mask(value) && leaf(value).lanes > 1) {
    Parts parts = mask_as(value, to);
    for (ValueId& part : parts)
      part = is_signed ? e_.clear_above(part, bits)
                       : e_.binary(Op::and_, part, e_.constant(e_.type(part), 1));
    return parts;
  }
  const Leaf& from = leaf(value);
  Parts parts = get(value);
  if (is_signed)
    for (ValueId& part : parts) part = e_.sign_above(part, from.bits);
  if (from.lanes == 1) return {e_.clear_above(e_.resize(parts[0], to, is_signed), bits)};
  parts = e_.convert_integers(parts, to, is_signed);
  if (is_signed || bits < from.bits)
    for (ValueId& part : parts) part = e_.clear_above(part, bits);
  return parts;
}

void FunctionLowering::lower_integer_cast(const llvm::CastInst& i) {
  const llvm::Value& source = *i.getOperand(0);
  const bool is_signed = i.getOpcode() == llvm::Instruction::SExt;
  const Leaf &from = leaf(source), &to = leaf(i);
  if (to.form == Leaf::Form::Wide)
    return set(i, Wide(e_, to.bits).extend(get(source), from.bits, is_signed));
  if (from.form == Leaf::Form::Wide)
    return set(i, Wide(e_, from.bits).truncate(get(source), to.bits));
  if (is_mask(i) && to.lanes > 1) {  // the lowest bit of each lane
    Parts mask;
    for (const ValueId part : get(source)) {
      const Type t = e_.type(part);
      mask.push_back(
          e_.compare(Op::ne, e_.binary(Op::and_, part, e_.constant(t, 1)), e_.constant(t, 0)));
    }
    return set(i, mask);
  }
  set(i, integers_from(source, to.bits, is_signed));
}

void FunctionLowering::lower_float_cast(const llvm::CastInst& i) {
  const Op op = i.getOpcode() == llvm::Instruction::FPTrunc ? Op::fptrunc : Op::fpext;
  set(i, e_.convert(op, leaf(i).part.kind, get(*i.getOperand(0))));
}

void FunctionLowering::lower_to_integer(const llvm::Value& at, Op op, Parts floats) {
  const Leaf& to = leaf(at);
  if (to.form == Leaf::Form::Wide) {
    if (to.bits > 128) {
      fail(at, "a float to an integer of more than 128 bits is not supported");
      return set(at, zeros(at.getType()));
    }
    const std::string name = std::string(op == Op::fptosi ? "__fix" : "__fixuns") +
                             (e_.type(floats[0]) == kF64 ? "dfti" : "sfti");
    return set(at,
               Wide(e_, 128).truncate(call_library(name, floats, {Kind::I64, Kind::I64}), to.bits));
  }
  if (to.bits == 1) {  // 0 or 1 (-1); anything else is not defined
    Parts bits = e_.convert(op, Kind::I32, floats);
    if (to.lanes == 1) return set(at, e_.resize(bits[0], Kind::I1));
    for (ValueId& part : bits) part = e_.compare(Op::ne, part, e_.constant(e_.type(part), 0));
    return set(at, e_.convert_integers(bits, mask_kind(at), true));
  }
  Parts result = e_.convert(op, to.part.kind, floats);
  for (ValueId& part : result) part = e_.clear_above(part, to.bits);
  set(at, result);
}

void FunctionLowering::lower_from_integer(const llvm::CastInst& i) {
  const llvm::Value& source = *i.getOperand(0);
  const bool is_signed = i.getOpcode() == llvm::Instruction::SIToFP;
  const Leaf &from = leaf(source), &to = leaf(i);
  if (from.form == Leaf::Form::Wide) {
    if (from.bits > 128) {
      fail(i, "an integer of more than 128 bits to a float is not supported");
      return set(i, zeros(i.getType()));
    }
    const Kind kind = to.part.kind == Kind::F64 ? Kind::F64 : Kind::F32;
    const std::string name =
        std::string(is_signed ? "__floatti" : "__floatunti") + (kind == Kind::F64 ? "df" : "sf");
    const Parts whole = Wide(e_, 128).extend(get(source), from.bits, is_signed);
    return set(i, narrow_floats(call_library(name, whole, {kind}), to.part.kind));
  }
  Parts integers;
  if (from.bits == 1) {
    integers = integers_from(source, is_mask(source) ? to.part.element_bits() : 32, is_signed);
  } else {
    integers = get(source);
    if (is_signed)
      for (ValueId& part : integers) part = e_.sign_above(part, from.bits);
  }
  const bool half = !to.part.is_arithmetic_float();
  const Parts floats =
      e_.convert(is_signed ? Op::sitofp : Op::uitofp, half ? Kind::F32 : to.part.kind, integers);
  set(i, narrow_floats(floats, to.part.kind));
}

void FunctionLowering::lower_bitcast(const llvm::CastInst& i) {
  const llvm::Value& source = *i.getOperand(0);
  const Leaf &from = leaf(source), &to = leaf(i);
  const u32 lanes = std::max(from.lanes, to.lanes);
  if (i.getType() == source.getType()) return set(i, get(source));
  const bool from_mask = is_mask(source), to_mask = is_mask(i);
  if (from_mask || to_mask) {
    if (lanes == 1) return set(i, get(source));  // i1 and <1 x i1>
    // The other one is an integer of as many bits (prepare_lanes.cpp).
    return set(
        i, from_mask ? e_.mask_to_bits(get(source), lanes) : e_.bits_to_mask(get(source), lanes));
  }
  const u64 bits = u64{from.bits} * from.lanes;
  const bool packed = bits == u64{from.part.bytes()} * from.parts * 8 &&
                      bits == u64{to.part.bytes()} * to.parts * 8;
  if (packed) return set(i, e_.bitcast_parts(get(source), to.part, to.parts));
  // Odd sizes (<3 x i32>, i96): through memory.
  const Address slot{e_.stack_alloc(align_up<u64>((bits + 7) / 8, 64), 6), 0, 6};
  store_leaf(from, get(source), slot);
  set(i, load_leaf(to, slot));
}

}  // namespace bf::lower
