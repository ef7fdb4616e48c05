// The decoder (interp.h), for decode*.cpp only: one per function, thrown away when its cells are
// made.
//
// A value has a place in the frame from its first use on, unless a cell holds it (constants) or it
// is only in an accumulator: then it is "unsaved", and whoever cannot take it from there saves it
// first.
#pragma once

#include <span>

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

constexpr u32 slot_bytes(Type t) {
  return t.is_vector() ? align_up(t.bytes(), 16u) : 8;
}

class Decoder {
 public:
  Decoder(const Module& module, const Function& function, const Linkage& linkage)
      : module_(module),
        f_(function),
        linkage_(linkage),
        analysis_(function),
        code_(std::make_unique<Code>()) {}

  std::unique_ptr<Code> run();

 private:
  // A branch target still to be filled in: a block's first cell, or a cell of an edge.
  struct Patch {
    u32 cell;
    bool taken;
    u32 target_block;  // kNone: target_cell counts
    u32 target_cell = 0;
    SwitchTable* table = nullptr;  // else: entry `index` of the table, kNone for the default
    u32 index = 0;
  };
  u32 reserve(u32 bytes);
  void lay_out_frame();

  // ---- Where values are -------------------------------------------------------------------------

  bool constant_address(const Value& value) const;
  u64 address_of(const Instruction& i) const;
  bool known(ValueId v, u64& bits) const;
  void add_constant(u32 at, std::span<const u8> bytes);
  u32 place(ValueId v);
  u32 in_frame(ValueId v);

  bool in_accumulator(ValueId v) const { return v == acc_ || v == wide_; }

  // ---- Cells ----------------------------------------------------------------------------------

  u32 here() const { return static_cast<u32>(code_->cells.size()); }
  u32 label();
  void settle();
  Cell& emit(Handler* handler, u32 a = 0, u32 b = 0, u32 c = 0, u32 d = 0);
  ValueId value(const Instruction& i, u32 n) const;
  u32 operand(const Instruction& i, u32 n) { return in_frame(value(i, n)); }
  Type operand_type(const Instruction& i, u32 n) const;
  void block(BlockId id);
  bool is_dead(const Instruction& i) const;

  // ---- Accumulators -----------------------------------------------------------------------------

  void forget_accumulators();
  void made(const Instruction& i, bool kept);
  bool kept(const Instruction& i) const;
  bool takes_accumulator(const Instruction& i) const;
  bool has_binary_forms(const Instruction& i) const;
  bool has_unary_forms(const Instruction& i) const;

  struct Operands {
    Form form = Form::SlotSlot;
    u32 b = 0, c = 0;
    i64 imm = 0;
  };
  Operands operands(ValueId x, ValueId y, bool may_swap, bool* swapped = nullptr);
  Cell& emit_form(Handler* handler, u32 a, const Operands& o);
  void used_up(ValueId x, ValueId y = kNoResult);
  bool binary(const Instruction& i);
  bool unary(const Instruction& i);

  // ---- Addresses --------------------------------------------------------------------------------

  struct Address {
    ValueId base = kNoResult, index = kNoResult;
    Index kind = Index::None;
    u32 scale = 1;
    i64 offset = 0;
  };
  void add_index(Address& a, ValueId number, u32 scale) const;
  Address parts_of(const Instruction& i) const;
  Address address_of_access(ValueId pointer, i64 offset) const;
  AddressForm addressing(Address& a, Operands& o, u32 bytes, bool acc_is_free);

  // Takes the roots of an address out of what is only in the accumulator.
  void used_up(const Address& a) { used_up(a.base, a.kind == Index::None ? kNoResult : a.index); }

  bool address(const Instruction& i);
  void load(const Instruction& i);
  void plain_access(ValueId v, const Address& a, u32 bytes, Handler* at_pointer, Handler* indexed);
  void store(const Instruction& i);
  static bool is_small(u64 bits, Type type);

  // ---- Compares and branches --------------------------------------------------------------------

  void branch_if(const Instruction& i, BlockId b);
  void simple(const Instruction& i, Choice choice);
  void instruction(const Instruction& i, const Instruction* next, BlockId b);
  bool uniform_shift(const Instruction& i);
  void move(u32 to, u32 from, Type type);
  void atomic(const Instruction& i);
  void stack_space(const Instruction& i);
  void leave(const Instruction& i);
  void shuffle(const Instruction& i);
  void call(const Instruction& i, const Instruction* next);

  // ---- Edges ----------------------------------------------------------------------------------

  void edge(const Edge& e, BlockId from);
  void jump_to(const Edge& e, bool back);
  void two_way(const Edge& taken, const Edge& other, BlockId from, bool free = false);
  void leg(const Edge& e, BlockId from, Patch p, bool free = false);
  void switch_on(const Instruction& i, BlockId from);
  void patch(const Patch& p);

  struct Move {
    u32 to, from;
    Type type;
  };
  std::vector<Move> moves_of(const Edge& e);
  void moves(const Edge& e);

  static constexpr ValueId kNoResult = ir::kNoValue;
  static constexpr u32 kScratchBytes = ir::kMaxVectorBytes;

  const Module& module_;
  const Function& f_;
  const Linkage& linkage_;
  Analysis analysis_;
  const CellJoiner joiner_;
  std::unique_ptr<Code> code_;
  std::vector<u32> slots_;  // by the number of a value's group
  // What the accumulators hold, and whether it is nowhere else.
  ValueId acc_ = kNoResult, wide_ = kNoResult, unsaved_ = kNoResult, unsaved_wide_ = kNoResult;
  std::vector<u32> block_cells_;
  std::vector<Patch> patches_;
  u32 label_ = 0;  // the last cell that somebody jumps to
  u32 frame_ = 0;
  u32 scratch_ = 0;
  u32 chunks_ = kNone;  // the list of stack space of variable size
};

}  // namespace bf::microjit::interp
