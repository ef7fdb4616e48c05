// The types of IR values: scalars, and vectors of scalars from 2 to 64 bytes.
#pragma once

#include "runtime/base.h"

namespace bf::ir {

// kind, text name, bits. Void has no values; i1 and ptr have no vectors.
#define BF_IR_KINDS(row)                                                                       \
  row(Void, "void", 0) row(I1, "i1", 1) row(I8, "i8", 8) row(I16, "i16", 16)                   \
      row(I32, "i32", 32) row(I64, "i64", 64) row(F16, "f16", 16) row(BF16, "bf16", 16)        \
          row(F32, "f32", 32) row(F64, "f64", 64) row(Ptr, "ptr", 64)

enum class Kind : u8 {
#define BF_IR_KIND(name, text, bits) name,
  BF_IR_KINDS(BF_IR_KIND)
#undef BF_IR_KIND
};

inline constexpr const char* kKindNames[] = {
#define BF_IR_KIND(name, text, bits) text,
    BF_IR_KINDS(BF_IR_KIND)
#undef BF_IR_KIND
};
inline constexpr u8 kKindBits[] = {
#define BF_IR_KIND(name, text, bits) bits,
    BF_IR_KINDS(BF_IR_KIND)
#undef BF_IR_KIND
};
inline constexpr u32 kKindCount = sizeof(kKindBits);

inline constexpr u32 kMaxVectorBytes = 64;

// A scalar (lanes == 1) or a vector (lanes a power of two from 2 to 64). Printed "f32", "f32x16".
struct Type {
  Kind kind = Kind::Void;
  u8 lanes = 1;

  constexpr bool operator==(const Type&) const = default;
  constexpr bool is_void() const { return kind == Kind::Void; }
  constexpr bool is_vector() const { return lanes > 1; }
  constexpr bool is_int() const { return kind >= Kind::I1 && kind <= Kind::I64; }
  constexpr bool is_float() const { return kind >= Kind::F16 && kind <= Kind::F64; }
  // A float that arithmetic is defined on; f16 and bf16 are for storage and conversion.
  constexpr bool is_arithmetic_float() const { return kind == Kind::F32 || kind == Kind::F64; }
  constexpr u32 element_bits() const { return kKindBits[static_cast<u8>(kind)]; }
  constexpr u32 element_bytes() const { return (element_bits() + 7) / 8; }
  constexpr u32 bytes() const { return element_bytes() * lanes; }
  constexpr Type element() const { return {kind, 1}; }
  constexpr Type with_kind(Kind k) const { return {k, lanes}; }
  constexpr bool valid() const {
    if (static_cast<u8>(kind) >= kKindCount) return false;
    if (lanes == 1) return true;
    return lanes >= 2 && (lanes & (lanes - 1)) == 0 && bytes() <= kMaxVectorBytes &&
           kind != Kind::Void && kind != Kind::I1 && kind != Kind::Ptr;
  }
};

// The integer kind of so many bits (8, 16, 32, 64).
constexpr Kind int_kind(u32 bits) {
  return bits == 1    ? Kind::I1
         : bits == 8  ? Kind::I8
         : bits == 16 ? Kind::I16
         : bits == 32 ? Kind::I32
                      : Kind::I64;
}

// What a comparison of two T gives: i1, or for vectors integer lanes of the same width.
constexpr Type compare_result(Type operand) {
  if (!operand.is_vector()) return {Kind::I1, 1};
  return {int_kind(operand.element_bits()), operand.lanes};
}

}  // namespace bf::ir
