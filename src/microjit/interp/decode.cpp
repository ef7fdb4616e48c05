// From a function's IR to cells: lays out the frame, picks a handler per instruction, fuses pairs,
// turns block arguments into moves on the edges.
#include <algorithm>
#include <cstring>

#include "microjit/interp/analysis.h"
#include "microjit/interp/handlers.h"
#include "microjit/interp/interp.h"
#include "microjit/interp/operand_forms.h"

namespace bf::microjit::interp {

using ir::Block;
using ir::BlockId;
using ir::Def;
using ir::Edge;
using ir::Effects;
using ir::Function;
using ir::Instruction;
using ir::Kind;
using ir::Module;
using ir::Op;
using ir::Signature;
using ir::Type;
using ir::Value;
using ir::ValueId;

namespace {

constexpr u32 slot_bytes(Type t) { return t.is_vector() ? align_up(t.bytes(), 16u) : 8; }

class Decoder {
 public:
  Decoder(const Module& module, const Function& function, const Linkage& linkage)
      : module_(module), f_(function), linkage_(linkage), analysis_(function),
        profiled_(linkage.functions[function.index]->profiled), code_(std::make_unique<Code>()) {}

  std::unique_ptr<Code> run() {
    lay_out_frame();
    block_cells_.resize(f_.blocks.size());
    for (BlockId b = 0; b < f_.blocks.size(); ++b)
      if (analysis_.reachable(b)) block(b);
    for (const Patch& p : patches_) patch(p);
    code_->frame_bytes = align_up(frame_, 64u);
    code_->places.resize(f_.values.size());
    for (ValueId v = 0; v < f_.values.size(); ++v)
      code_->places[v] = slots_[analysis_.group(analysis_.root(v))];
    return std::move(code_);
  }

 private:
  // A branch target still to be filled in: a block's first cell, or a cell of an edge.
  struct Patch {
    u32 cell;
    bool taken;
    u32 target_block;      // kNone: target_cell counts
    u32 target_cell = 0;
    SwitchTable* table = nullptr;  // else: entry `index` of the table, kNone for the default
    u32 index = 0;
  };

  u32 reserve(u32 bytes) {
    const u32 at = frame_;
    frame_ += bytes;
    return at;
  }

  void lay_out_frame() {
    slots_.assign(f_.values.size(), kNone);
    const Block& entry = f_.blocks[0];
    frame_ = kParametersOffset;
    for (u32 i = 0; i < entry.argument_count; ++i)
      slots_[analysis_.group(entry.first_argument + i)] = reserve(8);
    frame_ = align_up(frame_, 16u);
    scratch_ = reserve(kScratchBytes);
    if (module_.types[f_.type].variadic) code_->va_area = reserve(kVaAreaBytes);
    if (f_.flags & ir::kGrowsStack) chunks_ = reserve(8);
  }

  // ---- Where values are -------------------------------------------------------------------------

  // data_addr and its like are known now: constants as well.
  bool constant_address(const Value& value) const {
    if (value.def != Def::Instruction) return false;
    const Op op = f_.instructions[value.index].op;
    return op == Op::data_addr || op == Op::func_addr || op == Op::import_addr;
  }

  u64 address_of(const Instruction& i) const {
    if (i.op == Op::data_addr)
      return reinterpret_cast<u64>(linkage_.data[i.aux]) + static_cast<u64>(i.imm);
    if (i.op == Op::func_addr) return reinterpret_cast<u64>(linkage_.functions[i.aux]->stub);
    return reinterpret_cast<u64>(linkage_.imports[i.aux]);
  }

  // The bits of a value that is known now (a vector is not meant).
  bool known(ValueId v, u64& bits) const {
    const Value& value = f_.values[v];
    if (value.type.is_vector()) return false;
    if (value.def == Def::Constant) return bits = value.bits, true;
    if (!constant_address(value)) return false;
    return bits = address_of(f_.instructions[value.index]), true;
  }

  void add_constant(u32 at, std::span<const u8> bytes) {
    for (usize n = 0; n < bytes.size(); n += 8) {
      Code::ConstantWord word{at + static_cast<u32>(n), 0};
      std::memcpy(&word.bits, bytes.data() + n, std::min<usize>(8, bytes.size() - n));
      code_->constants.push_back(word);
    }
  }

  // The place of a root, made at its first use. Constants are put there before the first cell runs.
  u32 place(ValueId v) {
    u32& at = slots_[analysis_.group(v)];
    if (at != kNone) return at;
    const Value& value = f_.values[v];
    frame_ = align_up(frame_, value.type.is_vector() ? 16u : 8u);
    at = reserve(slot_bytes(value.type));
    u64 bits = 0;
    if (known(v, bits)) code_->constants.push_back({at, bits});
    else if (value.def == Def::Constant) add_constant(at, f_.vector_bytes(value));
    return at;
  }

  // The same of a value that a cell reads from there: one that is only in an accumulator is saved.
  u32 in_frame(ValueId v) {
    if (v != unsaved_ && v != unsaved_wide_) return place(v);
    const bool wide = v == unsaved_wide_;
    BF_ASSERT(v == (wide ? wide_ : acc_));
    (wide ? unsaved_wide_ : unsaved_) = kNoResult;
    const u32 at = place(v);
    emit(save_form(wide), at);
    return at;
  }

  bool in_accumulator(ValueId v) const { return v == acc_ || v == wide_; }

  // ---- Cells ----------------------------------------------------------------------------------

  u32 here() const { return static_cast<u32>(code_->cells.size()); }

  Cell& emit(Handler* handler, u32 a = 0, u32 b = 0, u32 c = 0, u32 d = 0) {
    BF_ASSERT(handler != nullptr);
    Cell cell;
    cell.handler = handler;
    cell.a = a, cell.b = b, cell.c = c, cell.d = d;
    code_->cells.push_back(cell);
    return code_->cells.back();
  }

  ValueId value(const Instruction& i, u32 n) const {
    return analysis_.root(f_.operands[i.first_operand + n]);
  }
  u32 operand(const Instruction& i, u32 n) { return in_frame(value(i, n)); }
  Type operand_type(const Instruction& i, u32 n) const {
    return f_.values[f_.operands[i.first_operand + n]].type;
  }

  void block(BlockId id) {
    block_cells_[id] = here();
    forget_accumulators();
    const Block& b = f_.blocks[id];
    if (id == 0 && chunks_ != kNone) emit(stack_start_handler(), 0, 0, 0, chunks_);
    for (u32 n = 0; n < b.instruction_count; ++n) {
      const Instruction& i = f_.instructions[b.first_instruction + n];
      if (analysis_.has_no_cell(i) || is_dead(i)) continue;
      const Instruction* next = n + 1 < b.instruction_count ? &i + 1 : nullptr;
      instruction(i, next, id);
    }
  }

  bool is_dead(const Instruction& i) const {
    return i.result != kNoResult && analysis_.uses(i.result) == 0 &&
           op_info(i.op).effects == Effects::Pure;
  }

  // ---- Accumulators -----------------------------------------------------------------------------

  void forget_accumulators() {
    BF_ASSERT(unsaved_ == kNoResult && unsaved_wide_ == kNoResult);
    acc_ = wide_ = kNoResult;
  }

  // What an instruction's cell leaves in the accumulators.
  void made(const Instruction& i, bool kept) {
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
  bool kept(const Instruction& i) const {
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
  bool takes_accumulator(const Instruction& i) const {
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

  bool has_binary_forms(const Instruction& i) const {
    if (in_acc(i.type)) return integer_form(i.op, i.type.kind, Form::SlotSlot, true) != nullptr;
    return in_wide(i.type) && wide_form(i.op, i.type, Form::SlotSlot, true) != nullptr;
  }
  bool has_unary_forms(const Instruction& i) const {
    const Type from = operand_type(i, 0);
    if (from.is_vector() || i.type.is_vector()) return false;
    return integer_unary_form(i.op, from, i.type, false, true) != nullptr ||
           wide_unary_form(i.op, from, i.type, false, true) != nullptr;
  }

  struct Operands {
    Form form = Form::SlotSlot;
    u32 b = 0, c = 0;
    i64 imm = 0;
  };

  // The form of an operation on two values. With `may_swap` they may change places; `swapped` tells.
  Operands operands(ValueId x, ValueId y, bool may_swap, bool* swapped = nullptr) {
    u64 bits = 0;
    if (may_swap && (known(x, bits) || (in_accumulator(y) && !known(y, bits) && !in_accumulator(x)))) {
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

  static bool commutes(Op op) {
    switch (op) {
      case Op::add: case Op::mul: case Op::and_: case Op::or_: case Op::xor_: case Op::smin:
      case Op::smax: case Op::umin: case Op::umax: case Op::fadd: case Op::fmul:
        return true;
      default:
        return false;
    }
  }

  Cell& emit_form(Handler* handler, u32 a, const Operands& o) {
    Cell& cell = emit(handler, a, o.b, o.c);
    cell.imm = o.imm;
    return cell;
  }

  // What the accumulators hold after a cell: the operands that it used up are gone, the result is
  // there.
  void used_up(ValueId x, ValueId y = kNoResult) {
    if (unsaved_ != kNoResult && (unsaved_ == x || unsaved_ == y)) unsaved_ = kNoResult, acc_ = kNoResult;
    if (unsaved_wide_ != kNoResult && (unsaved_wide_ == x || unsaved_wide_ == y))
      unsaved_wide_ = kNoResult, wide_ = kNoResult;
  }

  bool binary(const Instruction& i) {
    const auto handler = [&](Form form, bool keep) {
      return in_acc(i.type) ? integer_form(i.op, i.type.kind, form, keep)
                            : wide_form(i.op, i.type, form, keep);
    };
    if (!has_binary_forms(i)) return false;
    const bool keep = kept(i);
    const ValueId x = value(i, 0), y = value(i, 1);
    const Operands o = operands(x, y, commutes(i.op));
    Handler* const chosen = handler(o.form, keep);
    BF_ASSERT(chosen != nullptr);
    emit_form(chosen, keep ? place(i.result) : 0, o);
    used_up(x, y);
    made(i, keep);
    return true;
  }

  bool unary(const Instruction& i) {
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

  // ---- Addresses --------------------------------------------------------------------------------

  struct Address {
    ValueId base = kNoResult, index = kNoResult;
    Index kind = Index::None;
    u32 scale = 1;
    i64 offset = 0;
  };

  void add_index(Address& a, ValueId number, u32 scale) const {
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

  Address parts_of(const Instruction& i) const {
    Address a;
    a.base = value(i, 0);
    a.offset = i.op == Op::index ? i.imm : 0;
    add_index(a, value(i, 1), i.op == Op::index ? i.aux : 1);
    return a;
  }

  Address address_of_access(ValueId pointer, i64 offset) const {
    Address a;
    if (analysis_.absorbed(pointer)) a = parts_of(f_.instructions[f_.values[pointer].index]);
    else a.base = pointer;
    a.offset += offset;
    return a;
  }

  // Fills in the fields of an address, for an access of so many bytes. The accumulator is left alone
  // where it holds what is stored.
  AddressForm addressing(Address& a, Operands& o, u32 bytes, bool acc_is_free) {
    AddressForm form;
    u64 bits = 0;
    o.imm = a.offset;
    form.index = a.kind;
    if (a.kind == Index::None && known(a.base, bits)) {
      o.imm += static_cast<i64>(bits);
      form.base = Base::None;
      return form;
    }
    if (acc_is_free && a.base == acc_) form.base = Base::Acc;
    else if (acc_is_free && a.kind != Index::None && a.index == acc_) form.index_in_acc = true;
    if (form.base == Base::Slot) o.b = in_frame(a.base);
    if (a.kind != Index::None && !form.index_in_acc) o.c = in_frame(a.index);
    form.scaled_by_size = a.kind != Index::None && a.scale == bytes && bytes != 1;
    return form;
  }

  // Takes the roots of an address out of what is only in the accumulator.
  void used_up(const Address& a) { used_up(a.base, a.kind == Index::None ? kNoResult : a.index); }

  bool address(const Instruction& i) {
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

  void load(const Instruction& i) {
    Address a = address_of_access(value(i, 0), i.imm);
    const u32 bytes = i.type.bytes();
    Operands o;
    const bool formed = load_form(i.type, {}, true) != nullptr;
    const AddressForm form = addressing(a, o, bytes, formed);
    const bool keep = !formed || kept(i);
    Handler* handler = formed ? load_form(i.type, form, keep) : nullptr;
    if (!handler) return plain_access(i.result, a, bytes, load_handler(bytes), indexed_load_handler(bytes));
    emit_form(handler, keep ? place(i.result) : 0, o).d = a.scale;
    used_up(a);
    made(i, keep);
  }

  // Accesses of types without forms: everything in the frame.
  void plain_access(ValueId v, const Address& a, u32 bytes, Handler* at_pointer, Handler* indexed) {
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

  void store(const Instruction& i) {
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
  static bool is_small(u64 bits, Type type) {
    return type.bytes() <= 4 || static_cast<i64>(bits) == static_cast<i32>(bits);
  }

  // ---- Compares and branches --------------------------------------------------------------------

  static Op swapped_compare(Op op) {
    switch (op) {
      case Op::ult: return Op::ugt;
      case Op::ule: return Op::uge;
      case Op::ugt: return Op::ult;
      case Op::uge: return Op::ule;
      case Op::slt: return Op::sgt;
      case Op::sle: return Op::sge;
      case Op::sgt: return Op::slt;
      case Op::sge: return Op::sle;
      case Op::fogt: return Op::folt;
      case Op::foge: return Op::fole;
      case Op::folt: return Op::fogt;
      case Op::fole: return Op::foge;
      case Op::fugt: return Op::fult;
      case Op::fuge: return Op::fule;
      case Op::fult: return Op::fugt;
      case Op::fule: return Op::fuge;
      default: return op;  // symmetric
    }
  }
  static Op opposite_compare(Op op) {
    switch (op) {
      case Op::eq: return Op::ne;
      case Op::ne: return Op::eq;
      case Op::ult: return Op::uge;
      case Op::ule: return Op::ugt;
      case Op::ugt: return Op::ule;
      case Op::uge: return Op::ult;
      case Op::slt: return Op::sge;
      case Op::sle: return Op::sgt;
      case Op::sgt: return Op::sle;
      case Op::sge: return Op::slt;
      case Op::foeq: return Op::fune;
      case Op::fogt: return Op::fule;
      case Op::foge: return Op::fult;
      case Op::folt: return Op::fuge;
      case Op::fole: return Op::fugt;
      case Op::fone: return Op::fueq;
      case Op::ford: return Op::funo;
      case Op::fueq: return Op::fone;
      case Op::fugt: return Op::fole;
      case Op::fuge: return Op::folt;
      case Op::fult: return Op::foge;
      case Op::fule: return Op::fogt;
      case Op::fune: return Op::foeq;
      default: return Op::ford;  // of funo
    }
  }

  void branch_if(const Instruction& i, BlockId b) {
    Edge taken = f_.edges[i.first_edge], other = f_.edges[i.first_edge + 1];
    const ValueId condition = value(i, 0);
    if (!analysis_.absorbed(condition)) {
      const u32 at_condition = in_frame(condition), at = here();
      emit(branch_handler(), 0, at_condition);
      return two_way(at, taken, other, b);
    }
    const Instruction& compare = f_.instructions[f_.values[condition].index];
    const Type type = operand_type(compare, 0);
    Op op = compare.op;
    if (other.block <= b && taken.block > b) {
      std::swap(taken, other);
      op = opposite_compare(op);
    }
    const bool back = taken.block <= b && moves_of(taken).empty() && !profiled_;
    const ValueId x = value(compare, 0), y = value(compare, 1);
    bool swapped = false;
    const Operands o = operands(x, y, true, &swapped);
    if (swapped) op = swapped_compare(op);
    Handler* const handler = type.is_float() ? wide_compare_branch_form(op, type.kind, o.form, back)
                                             : compare_branch_form(op, type.kind, o.form, back);
    BF_ASSERT(handler != nullptr);
    const u32 at = here();
    Cell& cell = emit_form(handler, 0, o);
    if (back) {
      if (o.form == Form::SlotImm || o.form == Form::AccImm) cell.c = taken.block;
      else cell.imm = taken.block;
    }
    used_up(x, y);
    two_way(at, taken, other, b, back);
  }

  // A handler with everything in the frame.
  void simple(const Instruction& i, Choice choice) {
    const u32 a = i.result == kNoResult ? 0 : place(i.result);
    const u32 b = i.operand_count > 0 ? operand(i, 0) : 0;
    const u32 c = i.operand_count > 1 ? operand(i, 1) : 0;
    const u32 d = i.operand_count > 2 ? operand(i, 2) : 0;
    Cell& cell = emit(choice.handler, a, b, c, d);
    cell.imm = choice.imm;
  }

  void instruction(const Instruction& i, const Instruction* next, BlockId b) {
    switch (op_info(i.op).signature) {
      case Signature::IntBinary:
        if (i.type.is_vector() && uniform_shift(i)) return;
        if (binary(i)) return;
        return simple(i, integer_handler(i.op, i.type));
      case Signature::IntUnary:
        if (unary(i)) return;
        return simple(i, integer_handler(i.op, i.type));
      case Signature::IntCompare:
      case Signature::IntOverflow:
        return simple(i, integer_handler(i.op, operand_type(i, 0)));
      case Signature::FloatBinary:
        if (binary(i)) return;
        return simple(i, float_handler(i.op, i.type));
      case Signature::FloatUnary:
        if (unary(i)) return;
        return simple(i, float_handler(i.op, i.type));
      case Signature::FloatTernary:
        return simple(i, float_handler(i.op, i.type));
      case Signature::FloatCompare:
        return simple(i, float_handler(i.op, operand_type(i, 0)));
      case Signature::Select:
        return simple(i, operand_type(i, 0).is_vector() ? vector_handler(i.op, i.type)
                                                        : select_whole_handler(i.type));
      case Signature::IntTruncate:
      case Signature::IntExtend:
      case Signature::FloatTruncate:
      case Signature::FloatExtend:
      case Signature::FloatToInt:
      case Signature::IntToFloat:
        if (unary(i)) return;
        return simple(i, convert_handler(i.op, operand_type(i, 0), i.type));
      case Signature::Bitcast:
        return move(place(i.result), operand(i, 0), i.type);
      case Signature::Load:
        return load(i);
      case Signature::Store:
        return store(i);
      case Signature::MemCopy:
      case Signature::MemFill: {
        const u32 a = operand(i, 0), b = operand(i, 1), c = operand(i, 2);
        emit(memory_handler(i.op).handler, a, b, c);
        return;
      }
      case Signature::PtrAdd: {
        if (address(i)) return;
        simple(i, memory_handler(i.op));
        code_->cells.back().d = i.aux;
        code_->cells.back().imm = i.imm;
        return;
      }
      case Signature::DataAddr:
      case Signature::FuncAddr:
      case Signature::ImportAddr:
      case Signature::SecondResult:
        return;  // constants; written by the call
      case Signature::LoopPoll:
        if (i.op == Op::resume_entry)
          emit(resume_entry_handler(), place(i.result), i.aux, static_cast<u32>(i.imm));
        else
          emit(loop_poll_handler(), place(i.result)).imm = i.aux;
        return;
      case Signature::StackAlloc: {
        const u32 align = i.aux < 4 ? 16 : 1u << i.aux;
        const u32 at = align_up(frame_, 16u);
        frame_ = at + align_up(static_cast<u32>(i.imm), 16u) + align;
        emit(memory_handler(i.op).handler, place(i.result), at).imm = align;
        return;
      }
      case Signature::Splat:
        return simple(i, vector_handler(i.op, i.type));
      case Signature::Extract:
      case Signature::IntReduce:
      case Signature::MaskBits:
        return simple(i, vector_handler(i.op, operand_type(i, 0)));
      case Signature::FloatReduce:
        return simple(i, vector_handler(i.op, operand_type(i, 1)));
      case Signature::Insert:
      case Signature::Dot4:
        return simple(i, vector_handler(i.op, i.type));
      case Signature::Shuffle:
        return shuffle(i);
      case Signature::Call:
      case Signature::CallImport:
      case Signature::CallIndirect:
        return call(i, next);
      case Signature::VaStart:
        {
          const u32 list = operand(i, 0);
          emit(va_start_handler(), list, code_->va_area);
          return;
        }
      case Signature::Branch:
        return edge(f_.edges[i.first_edge], b);
      case Signature::BranchIf:
        return branch_if(i, b);
      case Signature::Switch:
        return switch_on(i, b);
      case Signature::AtomicLoad:
      case Signature::AtomicStore:
      case Signature::AtomicUpdate:
      case Signature::AtomicCompare:
        return atomic(i);
      case Signature::Fence:
        emit(fence_handler()).imm = i.aux;
        return;
      case Signature::StackGrow:
      case Signature::StackSave:
      case Signature::StackRestore:
        return stack_space(i);
      case Signature::Return:
        if (chunks_ != kNone) {
          for (u32 n = 0; n < i.operand_count; ++n) operand(i, n);
          emit(stack_release_handler(), 0, 0, 0, chunks_);
        }
        return leave(i);
      case Signature::Unreachable:
        emit(unreachable_handler());
        return;
    }
  }

  bool uniform_shift(const Instruction& i) {
    const Value& amount = f_.values[value(i, 1)];
    if (amount.def != Def::Constant) return false;
    Handler* handler = uniform_shift_handler(i.op, i.type);
    if (!handler) return false;
    const auto bytes = f_.vector_bytes(amount);
    const u32 size = i.type.element_bytes();
    for (u32 k = size; k < bytes.size(); ++k)
      if (bytes[k] != bytes[k - size]) return false;
    const u32 b = operand(i, 0);
    emit(handler, place(i.result), b).imm = bytes[0] & (i.type.element_bits() - 1);
    return true;
  }

  // Values of odd sizes (vectors of 2, 4, 8 bytes) are moved as integers of that size.
  void move(u32 to, u32 from, Type type) {
    if (to != from) emit(move_handler(slot_bytes(type)), to, from);
  }

  void atomic(const Instruction& i) {
    const u32 where = operand(i, i.operand_count - 1u);
    const u32 first = i.operand_count > 1 ? operand(i, 0) : 0;
    const u32 second = i.operand_count > 2 ? operand(i, 1) : 0;
    if (i.op == Op::atomic_store)
      emit(atomic_store_handler(operand_type(i, 0).bytes()), first, where).imm = i.imm;
    else
      emit(atomic_handler(i.op, i.type), place(i.result), where, first, second).imm = i.imm;
  }

  void stack_space(const Instruction& i) {
    const u32 b = i.operand_count > 0 ? operand(i, 0) : 0;
    if (i.op == Op::stack_grow)
      emit(stack_grow_handler(), place(i.result), b, std::max(16u, 1u << i.aux), chunks_);
    else if (i.op == Op::stack_save)
      emit(stack_save_handler(), place(i.result), 0, 0, chunks_);
    else
      emit(stack_restore_handler(), 0, b, 0, chunks_);
  }

  void leave(const Instruction& i) {
    if (i.operand_count == 1 && value(i, 0) == acc_) {
      emit(return_acc_handler());
      return used_up(acc_);
    }
    const u32 b = i.operand_count > 0 ? operand(i, 0) : 0;
    const u32 c = i.operand_count > 1 ? operand(i, 1) : 0;
    emit(return_handler(i.operand_count), 0, b, c);
  }

  void shuffle(const Instruction& i) {
    auto plan = std::make_unique<ShufflePlan>();
    const Type from = operand_type(i, 0);
    const u32 size = i.type.element_bytes();
    for (u32 lane = 0; lane < i.type.lanes; ++lane) {
      const u32 source = f_.masks[i.aux + lane];
      const u32 at = source < from.lanes ? operand(i, 0) + source * size
                                         : operand(i, 1) + (source - from.lanes) * size;
      const u32 to = place(i.result) + lane * size;
      if (!plan->runs.empty()) {
        ShufflePlan::Run& last = plan->runs.back();
        if (last.from + last.bytes == at && last.to + last.bytes == to) {
          last.bytes += size;
          continue;
        }
      }
      plan->runs.push_back({at, to, size});
    }
    emit(vector_handler(i.op, i.type).handler).pointer = plan.get();
    code_->shuffles.push_back(std::move(plan));
  }

  void call(const Instruction& i, const Instruction* next) {
    auto site = std::make_unique<CallSite>();
    u32 first = 0;
    u32 type = i.aux;
    if (i.op == Op::call || i.op == Op::call_generic) {
      site->callee = linkage_.functions[i.aux];
      type = module_.functions[i.aux].type;
    } else if (i.op == Op::call_import) {
      site->address = linkage_.imports[i.aux];
      type = module_.imports[i.aux].type;
    } else {
      site->pointer = operand(i, 0);
      site->functions = {linkage_.functions, module_.functions.size()};
      site->origin = static_cast<u32>(&i - f_.instructions.data());
      first = 1;
    }
    site->type = &module_.types[type];
    site->plain = site->type->is_plain();
    for (u32 n = first; n < i.operand_count; ++n) site->arguments.push_back(operand(i, n));
    if (i.result != kNoResult && analysis_.uses(i.result) != 0) site->results[0] = place(i.result);
    if (next && next->op == Op::second) site->results[1] = place(next->result);
    emit(call_handler(i.op)).pointer = site.get();
    code_->calls.push_back(std::move(site));
    forget_accumulators();
  }

  // ---- Edges ----------------------------------------------------------------------------------

  // The moves of an edge, then the jump, which is left out where the block follows anyway.
  void edge(const Edge& e, BlockId from) {
    moves(e);
    const bool back = e.block <= from;
    if (e.block == from + 1) return;
    jump_to(e, back);
  }

  void jump_to(const Edge& e, bool back) {
    patches_.push_back({here(), true, e.block});
    emit(back && profiled_ ? counting_jump_handler() : jump_handler(back)).imm = e.block;
  }

  // The edges of a conditional branch: straight to the block, or by way of its moves. `free`: the
  // branch itself pays for the edge that is taken.
  void two_way(u32 at, const Edge& taken, const Edge& other, BlockId from, bool free = false) {
    // What is not taken comes right after the branch.
    leg(other, from, {at, false, kNone});
    leg(taken, from, {at, true, kNone}, free);
  }

  void leg(const Edge& e, BlockId from, Patch p, bool free = false) {
    const bool back = e.block <= from && !free;
    if (moves_of(e).empty() && !back) {
      p.target_block = e.block;
    } else {
      p.target_cell = here();
      moves(e);
      jump_to(e, back);
    }
    patches_.push_back(p);
  }

  void switch_on(const Instruction& i, BlockId from) {
    auto owned = std::make_unique<SwitchTable>();
    SwitchTable* table = owned.get();
    code_->switches.push_back(std::move(owned));
    const u32 selector = operand(i, 0), at = here();
    emit(switch_handler(operand_type(i, 0).bytes()), 0, selector).pointer = table;
    std::vector<u32> order(i.edge_count - 1);
    for (u32 n = 0; n < order.size(); ++n) order[n] = n;
    const u64* cases = f_.cases.data() + i.aux;
    const u32 bits = operand_type(i, 0).element_bits();
    const u64 mask = bits < 64 ? (u64{1} << bits) - 1 : ~u64{0};
    // Of equal cases the first one counts.
    std::sort(order.begin(), order.end(), [&](u32 x, u32 y) {
      return std::pair(cases[x] & mask, x) < std::pair(cases[y] & mask, y);
    });
    for (const u32 n : order) table->cases.push_back(cases[n] & mask);
    table->targets.resize(order.size());
    for (u32 n = 0; n < order.size(); ++n)
      leg(f_.edges[i.first_edge + 1 + order[n]], from, {at, true, kNone, 0, table, n});
    leg(f_.edges[i.first_edge], from, {at, true, kNone, 0, table, kNone});
  }

  void patch(const Patch& p) {
    const u32 target = p.target_block == kNone ? p.target_cell : block_cells_[p.target_block];
    const i32 distance = (static_cast<i32>(target) - static_cast<i32>(p.cell)) *
                         static_cast<i32>(sizeof(Cell));
    if (p.table) (p.index == kNone ? p.table->otherwise : p.table->targets[p.index]) = distance;
    else (p.taken ? code_->cells[p.cell].a : code_->cells[p.cell].d) = static_cast<u32>(distance);
  }

  struct Move {
    u32 to, from;
    Type type;
  };

  std::vector<Move> moves_of(const Edge& e) {
    std::vector<Move> list;
    const Block& block = f_.blocks[e.block];
    for (u32 n = 0; n < e.argument_count; ++n) {
      const ValueId to = block.first_argument + n;
      if (analysis_.uses(to) == 0) continue;
      const u32 from = in_frame(analysis_.root(f_.operands[e.first_argument + n]));
      if (place(to) != from) list.push_back({place(to), from, f_.values[to].type});
    }
    return list;
  }

  // Block arguments are assigned all at once: a move waits until nobody reads its target any more;
  // a cycle is opened by saving one value in scratch space.
  void moves(const Edge& e) {
    std::vector<Move> left = moves_of(e);
    while (!left.empty()) {
      bool progress = false;
      for (usize n = 0; n < left.size(); ++n) {
        const bool read = std::any_of(left.begin(), left.end(),
                                      [&](const Move& m) { return m.from == left[n].to; });
        if (read) continue;
        move(left[n].to, left[n].from, left[n].type);
        left.erase(left.begin() + static_cast<std::ptrdiff_t>(n));
        progress = true;
        break;
      }
      if (progress) continue;
      Move& m = left.front();
      move(scratch_, m.to, m.type);
      for (Move& other : left)
        if (other.from == m.to) other.from = scratch_;
      move(m.to, m.from, m.type);
      left.erase(left.begin());
    }
  }

  static constexpr ValueId kNoResult = ir::kNoValue;
  static constexpr u32 kScratchBytes = ir::kMaxVectorBytes;

  const Module& module_;
  const Function& f_;
  const Linkage& linkage_;
  Analysis analysis_;
  const bool profiled_;
  std::unique_ptr<Code> code_;
  std::vector<u32> slots_;  // by the number of a value's group
  // What the accumulators hold, and whether it is nowhere else.
  ValueId acc_ = kNoResult, wide_ = kNoResult, unsaved_ = kNoResult, unsaved_wide_ = kNoResult;
  std::vector<u32> block_cells_;
  std::vector<Patch> patches_;
  u32 frame_ = 0;
  u32 scratch_ = 0;
  u32 chunks_ = kNone;  // the list of stack space of variable size
};

}  // namespace

std::unique_ptr<Code> decode(const Module& module, const Function& function,
                             const Linkage& linkage) {
  return Decoder(module, function, linkage).run();
}

}  // namespace bf::microjit::interp
