// Emits IR for the lowering: the builder, plus casts that fold, integers of odd widths, and vectors
// in several pieces. Knows nothing of LLVM.
//
// A lowered value is a list of parts. A scalar is one part. An integer of more than 64 bits is
// several i64 parts, lowest first (wide.h). A vector is parts of one type that follow each other;
// lanes beyond the LLVM type's own are padding and hold anything. Integers narrower than their part
// (i24 in i32) have zeros above: whoever may set those bits clears them again (clear_above).
//
//   Emitter e(module, function);
//   ValueId low = e.resize(value, Kind::I8);                   // trunc, zext, or nothing
//   Parts wider = e.convert(Op::sext, Kind::I32, {bytes});     // i8x64 -> four i32x16
#pragma once

#include <optional>
#include <vector>

#include "microjit/ir/builder.h"

namespace bf::lower {

using ir::Kind;
using ir::Op;
using ir::Type;
using ir::ValueId;
using Parts = std::vector<ValueId>;

inline constexpr Type kI1{Kind::I1}, kI8{Kind::I8}, kI16{Kind::I16}, kI32{Kind::I32},
    kI64{Kind::I64}, kF32{Kind::F32}, kF64{Kind::F64}, kPtr{Kind::Ptr};

class Emitter {
 public:
  Emitter(ir::Module& module, ir::Function& function)
      : function_(function), builder_(module, function) {}

  ir::Builder& builder() { return builder_; }
  ir::Function& function() { return function_; }
  Type type(ValueId value) const { return builder_.type(value); }
  // The bits of a scalar constant.
  std::optional<u64> constant_bits(ValueId value) const;

  // ---- One part -----------------------------------------------------------------------------
  ValueId constant(Type type, u64 bits) { return builder_.constant(type, bits); }
  // All bits set, in every lane.
  ValueId ones(Type type) { return constant(type, ~u64{0}); }
  ValueId emit(Op op, Type type, std::initializer_list<ValueId> operands, u32 aux = 0,
               i64 imm = 0) {
    return builder_.emit(op, type, operands, aux, imm);
  }
  ValueId unary(Op op, ValueId a) { return emit(op, type(a), {a}); }
  ValueId binary(Op op, ValueId a, ValueId b) { return emit(op, type(a), {a, b}); }
  ValueId compare(Op op, ValueId a, ValueId b) {
    return emit(op, ir::compare_result(type(a)), {a, b});
  }
  ValueId select(ValueId condition, ValueId a, ValueId b) {
    return emit(Op::select, type(a), {condition, a, b});
  }
  ValueId logical_not(ValueId i1) { return binary(Op::xor_, i1, constant(kI1, 1)); }

  // A conversion of the elements of a part to another kind; of constants at once.
  ValueId cast(Op op, Kind to, ValueId value);
  // trunc or zext (sext) to an integer kind, or the value itself.
  ValueId resize(ValueId value, Kind to, bool is_signed = false);
  ValueId bitcast(ValueId value, Type to);
  // Integer as wide as the scalar or the lanes (f32x4 -> i32x4), and back from integers.
  ValueId as_integer(ValueId value);
  ValueId from_integer(ValueId value, Kind to);

  // For an integer of `bits` in a wider part: zeros above, or copies of its sign.
  ValueId clear_above(ValueId value, u32 bits);
  ValueId sign_above(ValueId value, u32 bits);

  ValueId load(Type type, ValueId pointer, i64 offset, u32 align_log2) {
    return emit(Op::load, type, {pointer}, align_log2, offset);
  }
  void store(ValueId value, ValueId pointer, i64 offset, u32 align_log2) {
    emit(Op::store, {}, {value, pointer}, align_log2, offset);
  }
  ValueId stack_alloc(u64 bytes, u32 align_log2) {
    return emit(Op::stack_alloc, kPtr, {}, align_log2, static_cast<i64>(bytes));
  }
  // pointer + bytes, or the pointer itself for 0.
  ValueId advance(ValueId pointer, i64 bytes);

  // ---- Vectors in parts -----------------------------------------------------------------------
  // The same lanes in parts of `lanes` lanes each.
  Parts relane(const Parts& parts, u32 lanes);
  // Element by element to another kind; parts of the result are as large as they can be.
  Parts convert(Op op, Kind to, const Parts& parts);
  // Integer lanes (or mask lanes) resized to a kind.
  Parts convert_integers(const Parts& parts, Kind to, bool is_signed);
  // Reinterprets the bytes of all parts as parts of another type.
  Parts bitcast_parts(const Parts& parts, Type to, u32 count);
  // `count` parts of type `to` whose lane i is lane mask[i] of `a` followed by `b` (parts of one
  // type); negative: any.
  Parts shuffle(Type to, u32 count, const Parts& a, const Parts& b, std::span<const int> mask);
  // A lane, by an index of type i32.
  ValueId extract(const Parts& parts, ValueId lane);
  Parts insert(const Parts& parts, ValueId scalar, ValueId lane);
  Parts splat(Type to, u32 count, ValueId scalar);
  // Lanes from `lanes` on replaced by those of a constant, where the parts have more.
  Parts fill_padding(const Parts& parts, u32 lanes, u64 bits);

  // ---- Lane masks -----------------------------------------------------------------------------
  // Bit i is lane i, in parts of an integer of `lanes` bits (one part, or i64s).
  Parts mask_to_bits(const Parts& mask, u32 lanes);
  // The mask (lane kind: bits_mask_kind) of an integer's bits.
  Parts bits_to_mask(const Parts& bits, u32 lanes);

 private:
  ValueId sub_vector(ValueId vector, u32 first, u32 lanes);
  ValueId shuffle_part(Type to, const Parts& sources, std::span<const int> mask);
  ValueId place(Type to, ValueId source, std::span<const u8> lanes);

  ir::Function& function_;
  ir::Builder builder_;
};

// How many lanes of a kind one part of a vector with so many (padded) lanes holds.
u32 lanes_per_part(Kind kind, u32 padded_lanes);
// The smallest power of two that is not below n.
u32 round_up_power(u32 n);
u32 log2_of(u64 power);
// Lanes of the mask that bits_to_mask makes: wide enough to hold every bit of the integer.
Kind bits_mask_kind(u32 lanes);
// The integer kind that holds `bits` (1 to 64): 1, 8, 16, 32 or 64.
Kind container(u32 bits);

}  // namespace bf::lower
