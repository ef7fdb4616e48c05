// Where a cell finds its operands: places in the frame, constants, accumulators.
#include "microjit/interp/decoder.h"
#include "microjit/ir/op_facts.h"

#include <algorithm>
#include <cstring>

namespace bf::microjit::interp {

// data_addr and its like are known now: constants as well.
bool Decoder::constant_address(const Value& value) const {
  if (value.def != Def::Instruction) return false;
  const Op op = f_.instructions[value.index].op;
  return op == Op::data_addr || op == Op::func_addr || op == Op::import_addr;
}

u64 Decoder::address_of(const Instruction& i) const {
  if (i.op == Op::data_addr)
    return reinterpret_cast<u64>(linkage_.data[i.aux]) + static_cast<u64>(i.imm);
  if (i.op == Op::func_addr) return reinterpret_cast<u64>(linkage_.functions[i.aux]->stub);
  return reinterpret_cast<u64>(linkage_.imports[i.aux]);
}

// The bits of a value that is known now (a vector is not meant).
bool Decoder::known(ValueId v, u64& bits) const {
  const Value& value = f_.values[v];
  if (value.type.is_vector()) return false;
  if (value.def == Def::Constant) return bits = value.bits, true;
  if (!constant_address(value)) return false;
  return bits = address_of(f_.instructions[value.index]), true;
}

void Decoder::add_constant(u32 at, std::span<const u8> bytes) {
  for (usize n = 0; n < bytes.size(); n += 8) {
    Code::ConstantWord word{at + static_cast<u32>(n), 0};
    std::memcpy(&word.bits, bytes.data() + n, std::min<usize>(8, bytes.size() - n));
    code_->constants.push_back(word);
  }
}

// The place of a root, made at its first use. Constants are put there before the first cell runs.
u32 Decoder::place(ValueId v) {
  u32& at = slots_[analysis_.group(v)];
  if (at != kNone) return at;
  const Value& value = f_.values[v];
  frame_ = align_up(frame_, value.type.is_vector() ? 16u : 8u);
  at = reserve(slot_bytes(value.type));
  u64 bits = 0;
  if (known(v, bits))
    code_->constants.push_back({at, bits});
  else if (value.def == Def::Constant)
    add_constant(at, f_.vector_bytes(value));
  return at;
}

// The same of a value that a cell reads from there: one that is only in an accumulator is saved.
u32 Decoder::in_frame(ValueId v) {
  if (v != unsaved_ && v != unsaved_wide_) return place(v);
  const bool wide = v == unsaved_wide_;
  BF_ASSERT(v == (wide ? wide_ : acc_));
  (wide ? unsaved_wide_ : unsaved_) = kNoResult;
  const u32 at = place(v);
  emit(save_form(wide), at);
  return at;
}

void Decoder::forget_accumulators() {
  BF_ASSERT(unsaved_ == kNoResult && unsaved_wide_ == kNoResult);
  acc_ = wide_ = kNoResult;
}

// What an instruction's cell leaves in the accumulators.
void Decoder::made(const Instruction& i, bool kept) {
  if (in_acc(i.type)) {
    acc_ = i.result;
    if (!kept && analysis_.uses(i.result) != 0) unsaved_ = i.result;
  } else if (in_wide(i.type)) {
    wide_ = i.result;
    if (!kept && analysis_.uses(i.result) != 0) unsaved_wide_ = i.result;
  }
}

// Whether the result has to be in the frame: not, if its one use follows in this block before its
// accumulator is written again.
bool Decoder::kept(const Instruction& i) const {
  if (analysis_.uses(i.result) > 1) return true;
  if (analysis_.uses(i.result) == 0) return false;
  const bool word = in_acc(i.type);
  for (const Instruction* next = &i + 1;; ++next) {
    if (analysis_.has_no_cell(*next)) continue;
    const Effects effects = op_info(next->op).effects;
    bool uses = false;
    analysis_.for_each_operand(*next, [&](ValueId v) { uses |= v == i.result; });
    if (uses) return is_dead(*next) || !takes_accumulator(*next);
    if (effects == Effects::Ends || effects == Effects::Calls) return true;
    if (next->result == kNoResult) continue;
    if (word ? in_acc(next->type) : !in_acc(next->type)) return true;
  }
}

// Whether there are forms of an instruction with operands in accumulators.
bool Decoder::takes_accumulator(const Instruction& i) const {
  const Type operand = i.operand_count != 0 ? operand_type(i, 0) : Type{};
  switch (op_info(i.op).signature) {
    case Signature::IntBinary:
      return has_binary_forms(i);
    case Signature::FloatBinary:
      return has_binary_forms(i);
    case Signature::IntUnary:
    case Signature::FloatUnary:
    case Signature::IntTruncate:
    case Signature::IntExtend:
    case Signature::FloatTruncate:
    case Signature::FloatExtend:
    case Signature::FloatToInt:
    case Signature::IntToFloat:
      return has_unary_forms(i);
    case Signature::Load:
      return load_form(i.type, {}, true) != nullptr;
    case Signature::Store:
      return store_form(operand, {}, Source::Slot) != nullptr;
    case Signature::PtrAdd:
      return true;
    case Signature::BranchIf:
      return analysis_.absorbed(value(i, 0));
    case Signature::Return:
      return i.operand_count == 1 && in_acc(operand);
    default:
      return false;
  }
}

bool Decoder::has_binary_forms(const Instruction& i) const {
  if (in_acc(i.type)) return integer_form(i.op, i.type.kind, Form::SlotSlot, true) != nullptr;
  return in_wide(i.type) && wide_form(i.op, i.type, Form::SlotSlot, true) != nullptr;
}

bool Decoder::has_unary_forms(const Instruction& i) const {
  const Type from = operand_type(i, 0);
  if (from.is_vector() || i.type.is_vector()) return false;
  return integer_unary_form(i.op, from, i.type, false, true) != nullptr ||
         wide_unary_form(i.op, from, i.type, false, true) != nullptr;
}

// The form of an operation on two values. With `may_swap` they may change places; `swapped` tells.
Decoder::Operands Decoder::operands(ValueId x, ValueId y, bool may_swap, bool* swapped) {
  u64 bits = 0;
  if (may_swap &&
      (known(x, bits) || (in_accumulator(y) && !known(y, bits) && !in_accumulator(x)))) {
    std::swap(x, y);
    if (swapped) *swapped = true;
  }
  Operands o;
  if (known(y, bits)) {
    o.imm = static_cast<i64>(bits);
    o.form = in_accumulator(x) ? Form::AccImm : Form::SlotImm;
    if (o.form == Form::SlotImm) o.b = in_frame(x);
  } else if (in_accumulator(x)) {
    o.form = Form::AccSlot;
    o.c = in_frame(y);
  } else if (in_accumulator(y)) {
    o.form = Form::SlotAcc;
    o.b = in_frame(x);
  } else {
    o.b = in_frame(x), o.c = in_frame(y);
  }
  // What was saved for this is in the frame as well.
  return o;
}

Cell& Decoder::emit_form(Handler* handler, u32 a, const Operands& o) {
  Cell& cell = emit(handler, a, o.b, o.c);
  cell.imm = o.imm;
  return cell;
}

// What the accumulators hold after a cell: the operands that it used up are gone, the result is
// there.
void Decoder::used_up(ValueId x, ValueId y) {
  if (unsaved_ != kNoResult && (unsaved_ == x || unsaved_ == y))
    unsaved_ = kNoResult, acc_ = kNoResult;
  if (unsaved_wide_ != kNoResult && (unsaved_wide_ == x || unsaved_wide_ == y))
    unsaved_wide_ = kNoResult, wide_ = kNoResult;
}

bool Decoder::binary(const Instruction& i) {
  const auto handler = [&](Form form, bool keep) {
    return in_acc(i.type) ? integer_form(i.op, i.type.kind, form, keep)
                          : wide_form(i.op, i.type, form, keep);
  };
  if (!has_binary_forms(i)) return false;
  const bool keep = kept(i);
  const ValueId x = value(i, 0), y = value(i, 1);
  const Operands o = operands(x, y, ir::commutes(i.op));
  Handler* const chosen = handler(o.form, keep);
  BF_ASSERT(chosen != nullptr);
  emit_form(chosen, keep ? place(i.result) : 0, o);
  used_up(x, y);
  made(i, keep);
  return true;
}

bool Decoder::unary(const Instruction& i) {
  const Type from = operand_type(i, 0);
  const auto handler = [&](bool from_acc, bool keep) {
    Handler* const h = integer_unary_form(i.op, from, i.type, from_acc, keep);
    return h ? h : wide_unary_form(i.op, from, i.type, from_acc, keep);
  };
  if (!has_unary_forms(i)) return false;
  const bool keep = kept(i);
  const ValueId x = value(i, 0);
  const bool from_acc = in_accumulator(x);
  const u32 b = from_acc ? 0 : in_frame(x);
  emit(handler(from_acc, keep), keep ? place(i.result) : 0, b);
  used_up(x);
  made(i, keep);
  return true;
}

}  // namespace bf::microjit::interp
