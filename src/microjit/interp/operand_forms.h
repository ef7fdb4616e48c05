// Where a handler finds its operands and whether it writes its result to the frame: each form is a
// handler of its own. Results are in the accumulator of their class in any case.
#pragma once

#include "microjit/interp/code.h"

namespace bf::microjit::interp {

// The left and the right operand: in the frame (b, c), in the accumulator, in the cell (imm).
enum class Form : u8 { SlotSlot, AccSlot, SlotAcc, SlotImm, AccImm };

// ---- Memory: value at base + index * scale + imm
enum class Base : u8 { Slot, Acc, None };          // b; None: imm is the address
enum class Index : u8 { None, Word, Signed32, Unsigned32 };  // c, or the accumulator
struct AddressForm {
  Base base = Base::Slot;
  Index index = Index::None;
  bool index_in_acc = false;
  bool scaled_by_size = false;  // else d is the scale
};
enum class Source : u8 { Slot, Acc, Imm };  // a stored value: a, accumulator, `a` as a signed number

// Types of the accumulators: integers and addresses, or floats and vectors of 16 bytes.
constexpr bool in_acc(ir::Type t) {
  return !t.is_vector() && (t.is_int() || t.kind == ir::Kind::Ptr);
}
constexpr bool in_wide(ir::Type t) {
  return t.is_vector() ? t.bytes() == 16 : t.is_arithmetic_float();
}

// All of these give null for what has no handler in that form; every operation has a handler for
// operands in the frame that keeps its result there (handlers.h).

// handlers_scalar.cpp
Handler* integer_form(ir::Op op, ir::Kind kind, Form form, bool keep);
Handler* integer_unary_form(ir::Op op, ir::Type from, ir::Type to, bool from_acc, bool keep);
// b, c (acc, imm) compared; a, d: distances. A back edge (the one that is taken) costs heat: its
// block is in `imm`, or in `c` where `imm` is an operand.
Handler* compare_branch_form(ir::Op op, ir::Kind kind, Form form, bool back);
// handlers_wide.cpp
Handler* wide_form(ir::Op op, ir::Type type, Form form, bool keep);
Handler* wide_unary_form(ir::Op op, ir::Type from, ir::Type to, bool from_acc, bool keep);
Handler* wide_compare_branch_form(ir::Op op, ir::Kind kind, Form form, bool back);

// handlers_address.cpp
Handler* load_form(ir::Type type, AddressForm form, bool keep);
Handler* store_form(ir::Type type, AddressForm form, Source source);
Handler* index_form(AddressForm form, bool keep);  // the address itself

// Saves an accumulator at a.
Handler* save_form(bool wide);

}  // namespace bf::microjit::interp
