// Addresses, loads and stores: what an address is made of goes into the cell that accesses memory.
#include "microjit/interp/decoder.h"

#include <algorithm>

namespace bf::microjit::interp {

void Decoder::add_index(Address& a, ValueId number, u32 scale) const {
  u64 bits = 0;
  if (known(number, bits)) {
    a.offset += static_cast<i64>(bits * scale);
    return;
  }
  a.index = number, a.kind = Index::Word, a.scale = scale;
  if (!analysis_.absorbed(number)) return;
  const Instruction& extension = f_.instructions[f_.values[number].index];
  a.index = value(extension, 0);
  a.kind = extension.op == Op::sext ? Index::Signed32 : Index::Unsigned32;
}

Decoder::Address Decoder::parts_of(const Instruction& i) const {
  Address a;
  a.base = value(i, 0);
  a.offset = i.op == Op::index ? i.imm : 0;
  add_index(a, value(i, 1), i.op == Op::index ? i.aux : 1);
  return a;
}

Decoder::Address Decoder::address_of_access(ValueId pointer, i64 offset) const {
  Address a;
  if (analysis_.absorbed(pointer))
    a = parts_of(f_.instructions[f_.values[pointer].index]);
  else
    a.base = pointer;
  a.offset += offset;
  return a;
}

// Fills in the fields of an address, for an access of so many bytes. The accumulator is left alone
// where it holds what is stored.
AddressForm Decoder::addressing(Address& a, Operands& o, u32 bytes, bool acc_is_free) {
  AddressForm form;
  u64 bits = 0;
  o.imm = a.offset;
  form.index = a.kind;
  if (a.kind == Index::None && known(a.base, bits)) {
    o.imm += static_cast<i64>(bits);
    form.base = Base::None;
    return form;
  }
  if (acc_is_free && a.base == acc_)
    form.base = Base::Acc;
  else if (acc_is_free && a.kind != Index::None && a.index == acc_)
    form.index_in_acc = true;
  if (form.base == Base::Slot) o.b = in_frame(a.base);
  if (a.kind != Index::None && !form.index_in_acc) o.c = in_frame(a.index);
  form.scaled_by_size = a.kind != Index::None && a.scale == bytes && bytes != 1;
  return form;
}

bool Decoder::address(const Instruction& i) {
  Address a = parts_of(i);
  Operands o;
  const bool keep = kept(i);
  AddressForm form = addressing(a, o, 0, true);
  form.scaled_by_size = false;
  Handler* const handler = index_form(form, keep);
  if (!handler) return false;
  emit_form(handler, keep ? place(i.result) : 0, o).d = a.scale;
  used_up(a);
  made(i, keep);
  return true;
}

void Decoder::load(const Instruction& i) {
  Address a = address_of_access(value(i, 0), i.imm);
  const u32 bytes = i.type.bytes();
  Operands o;
  const bool formed = load_form(i.type, {}, true) != nullptr;
  const AddressForm form = addressing(a, o, bytes, formed);
  const bool keep = !formed || kept(i);
  Handler* handler = formed ? load_form(i.type, form, keep) : nullptr;
  if (!handler)
    return plain_access(i.result, a, bytes, load_handler(bytes), indexed_load_handler(bytes));
  emit_form(handler, keep ? place(i.result) : 0, o).d = a.scale;
  used_up(a);
  made(i, keep);
}

// Accesses of types without forms: everything in the frame.
void Decoder::plain_access(ValueId v, const Address& a, u32 bytes, Handler* at_pointer,
                           Handler* indexed) {
  const u32 place_of_value = in_frame(v), base = in_frame(a.base);
  if (a.kind == Index::None) {
    emit(at_pointer, place_of_value, base).imm = a.offset;
    return;
  }
  u32 number = in_frame(a.index);
  if (a.kind != Index::Word) {
    if (unsaved_ != kNoResult) in_frame(unsaved_);
    const Op op = a.kind == Index::Signed32 ? Op::sext : Op::zext;
    emit(integer_unary_form(op, Type{Kind::I32}, Type{Kind::I64}, false, true), scratch_, number);
    number = scratch_;
    acc_ = kNoResult;
  }
  BF_ASSERT(bytes != 0);
  emit(indexed, place_of_value, base, number, a.scale).imm = a.offset;
}

void Decoder::store(const Instruction& i) {
  const Type type = operand_type(i, 0);
  const ValueId v = value(i, 0);
  Address a = address_of_access(value(i, 1), i.imm);
  if (!store_form(type, {}, Source::Slot))
    return plain_access(v, a, type.bytes(), store_handler(type.bytes()),
                        indexed_store_handler(type.bytes()));
  Source source = Source::Slot;
  u64 bits = 0;
  u32 what = 0;
  if (in_acc(type) && known(v, bits) && is_small(bits, type)) {
    source = Source::Imm;
    what = static_cast<u32>(bits);
  } else if (in_acc(type) ? v == acc_ : v == wide_) {
    source = Source::Acc;
  } else {
    what = in_frame(v);
  }
  Operands o;
  const AddressForm form = addressing(a, o, type.bytes(), !(source == Source::Acc && in_acc(type)));
  Handler* const handler = store_form(type, form, source);
  BF_ASSERT(handler != nullptr);
  emit_form(handler, what, o).d = a.scale;
  used_up(a);
  used_up(v);
}

// Whether the bits of a constant are those of a sign-extended 32-bit number, as far as they count.
bool Decoder::is_small(u64 bits, Type type) {
  return type.bytes() <= 4 || static_cast<i64>(bits) == static_cast<i32>(bits);
}

}  // namespace bf::microjit::interp
