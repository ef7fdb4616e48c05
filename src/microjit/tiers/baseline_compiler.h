// One function on its way through the baseline tier: registers, frame and emitters. Internal to
// baseline*.cpp.
//
// Every part of a value is in its fixed register, or in its slot of the frame, or cached in some
// register, or several of these. Values that other blocks use have a home (fixed register or slot)
// that is written where they are defined; the cache is forgotten at the end of a block, unless
// control just falls through into a block that has no other way in.
//
// An emitter gets its operands (`get`, `fetch`), which pins their registers until the instruction
// ends, then names the result: `define` before it computes, where it can compute in place and has
// looked for aliases; or `bind` after it has computed in a register of `allocate`. A fixed result
// register may be that of an operand that ends here, so nothing is written to it before the last
// operand was read.
#pragma once

#include <asmjit/x86.h>

#include "microjit/tiers/codegen.h"
#include "microjit/tiers/baseline_analysis.h"

namespace bf::microjit::baseline {

namespace x86 = asmjit::x86;
using asmjit::Imm;
using asmjit::Label;
using asmjit::Operand;
using InstId = asmjit::InstId;
namespace Inst = x86::Inst;

inline x86::Gp gp64(RegId r) {
  return x86::gpq(r);
}
inline x86::Gp gp32(RegId r) {
  return x86::gpd(r);
}
inline x86::Gp gp(RegId r, u32 bytes) {
  if (bytes == 8) return x86::gpq(r);
  if (bytes == 4) return x86::gpd(r);
  if (bytes == 2) return x86::gpw(r);
  return x86::gpb_lo(r);
}
inline x86::Vec vec(RegId r, u32 bytes = 16) {
  const u32 n = r - kFirstVec;
  if (bytes == 64) return x86::zmm(n);
  if (bytes == 32) return x86::ymm(n);
  return x86::xmm(n);
}
inline RegId id_of(const Operand& o) {
  const auto& reg = o.as<asmjit::BaseReg>();
  return static_cast<RegId>(reg.id() + (reg.group() == asmjit::RegGroup::kGp ? 0u : kFirstVec));
}
// The same operand, as wide as that many bytes.
Operand sized(const Operand& o, u32 bytes);
// The same memory, some bytes on.
x86::Mem further(const x86::Mem& m, i64 bytes);

// 8, 16, 32, 64 bits as 0, 1, 2, 3: the order in which instruction tables are laid out.
inline u32 log2_bytes(u32 bits) {
  return static_cast<u32>(__builtin_ctz(bits)) - 3;
}

// One two-address instruction that does it, or 0.
InstId simple_instruction(ir::Op op);

// What a compare left in the flags.
struct Condition {
  x86::CondCode code = x86::CondCode::kZ;
  // Floats: equality is "and not parity", inequality "or parity".
  enum class Parity : u8 { Ignored, AndNot, Or } parity = Parity::Ignored;
};

class FirstError : public asmjit::ErrorHandler {
 public:
  void handleError(asmjit::Error error, const char* message, asmjit::BaseEmitter*) override;
  bool failed() const { return failed_; }
  const char* message() const { return message_; }

 private:
  bool failed_ = false;
  char message_[128] = {};
};

class Compiler {
 public:
  Compiler(const ir::Module& module, const ir::Function& function, const CodegenOptions& options,
           bool probe_frame, Registers registers);

  // Emits everything. False: the frame is so big that it has to be probed; compile again so.
  bool emit();
  Result<CompiledCode> finish();

 private:
  // ---- baseline.cpp: blocks, instructions
  void block(u32 k);
  void begin_instruction(u32 position);
  void hold_for_block(u32 k);
  void make_for_loops(u32 k);
  void instruction(const ir::Instruction& i);
  void end_instruction(const ir::Instruction& i);
  void note_location(ir::Location location);
  Error error(const char* what) const;

  // ---- baseline_frame.cpp: prologue, epilogue, profile
  void prologue();
  void receive_parameters();
  void patch_frame();
  void epilogue();
  void heat_entry();
  void heat_used_up();
  void loop_poll(const ir::Instruction& i);
  void polls_out_of_line();
  void resume_entry(const ir::Instruction& i);
  void count_call();
  void time_call();
  i32 new_slot(u32 bytes);
  i32 slot_of(ir::ValueId v);
  x86::Gp frame_base() const { return gp64(analysis_.grows_stack ? kRbx : kRsp); }
  x86::Mem frame(i32 offset, u32 bytes = 8) const;
  x86::Mem slot(ir::ValueId v, u32 part, u32 bytes = 0);

  // ---- baseline_registers.cpp
  Part& part(ir::ValueId v, u32 p) { return analysis_.parts[info(v).first_part + p]; }
  ValueInfo& info(ir::ValueId v) { return analysis_.values[v]; }
  ir::Type type_of(ir::ValueId v) const { return f_.values[v].type; }
  bool is_constant(ir::ValueId v) const { return f_.values[v].def == ir::Def::Constant; }
  const ir::Instruction* definition(ir::ValueId v) const;
  RegId register_of(ir::ValueId v, u32 p);
  void pin(RegId r) { pinned_ |= bit(r); }
  RegMask pool(Bank bank) const;
  RegId allocate(Bank bank, bool survives_calls = false);
  RegId allocate_gp() { return allocate(Bank::Gp); }
  RegId allocate_vec() { return allocate(Bank::Vec); }
  void unpin(RegId r) { pinned_ &= ~bit(r); }
  RegId borrow(Bank bank);
  void give_back();
  RegMask registers_of(const ir::Instruction& i);
  void add_registers_of(ir::ValueId v, RegMask& mask);
  void evict(RegId r);
  void evict_all(RegMask registers);
  // Makes a register free and pins it. To be called before operands are fetched.
  void claim(RegId r);
  void forget_cache(RegMask registers);
  void cache(RegId r, ir::ValueId v, u32 p);
  // In a register, pinned.
  RegId fetch(ir::ValueId v, u32 p = 0);
  // A register, memory, or (general) an immediate of 32 bits.
  Operand get(ir::ValueId v, u32 p = 0);
  // A register or memory.
  Operand get_rm(ir::ValueId v, u32 p = 0);
  // In memory: its slot or a constant.
  x86::Mem get_memory(ir::ValueId v, u32 p = 0);
  bool immediate(ir::ValueId v, i64& value) const;
  RegId define(ir::ValueId result, u32 p, ir::ValueId in_place_of = ir::kNoValue);
  // A register for the result that is none of those pinned so far; to be given to bind().
  RegId fresh(ir::ValueId result, u32 p = 0);
  // The same for one instruction that reads its operands before it writes: also where one is.
  RegId in_place(ir::ValueId result);
  void bind(ir::ValueId result, u32 p, RegId r);
  // The result's bytes are in its slot.
  void define_in_slot(ir::ValueId result);
  void complete(ir::ValueId result);
  void release(ir::ValueId v);
  void load_part(RegId r, ir::ValueId v, u32 p);
  void store_part(ir::ValueId v, u32 p, RegId r);
  void make_again(RegId r, ir::ValueId v, u32 p);

  // ---- baseline_moves.cpp: parallel moves
  struct Move {
    // A register; or memory at `to_offset` of the frame
    RegId to = kNoReg;
    i32 to_offset = 0;
    RegId from = kNoReg;
    i32 from_offset = 0;
    ir::ValueId remade = ir::kNoValue;  // made instead of moved
    u8 part = 0;
    u8 bytes = 8;
    Bank bank = Bank::Gp;
    bool done = false;
  };
  void add_source(Move& move, ir::ValueId v, u32 p);
  void run_moves();
  void emit_move(const Move& move);
  bool blocked(const Move& move) const;
  void break_cycle(Move& move);

  // ---- baseline_emit.cpp: small things every emitter uses
  bool vex() const { return isa_ != Isa::Sse2; }
  void emit(InstId id, const Operand& a) { a_.emit(id, a); }
  void emit(InstId id, const Operand& a, const Operand& b) { a_.emit(id, a, b); }
  void move_gp(RegId to, const Operand& from, u32 bytes);
  void move_vec(RegId to, const Operand& from, u32 bytes);
  void load_vec(RegId to, const x86::Mem& from, u32 bytes);
  void store_vec(const x86::Mem& to, RegId from, u32 bytes);
  void zero_vec(RegId r, u32 bytes);
  void extend(RegId to, const Operand& from, u32 from_bits, u32 to_bits, bool is_signed);
  // to = a op b, with the legacy or the VEX/EVEX instruction.
  void vec_op(InstId sse, InstId vex, RegId to, RegId a, const Operand& b, u32 bytes);
  void vec_op(InstId sse, InstId vex, RegId to, RegId a, const Operand& b, u32 bytes, u32 imm);
  void vec_unary(InstId sse, InstId vex, RegId to, const Operand& a, u32 bytes);
  x86::Mem constant(const void* bytes, u32 size);
  x86::Mem splat_constant(u64 element, u32 element_bytes, u32 size);
  void reloc(RegId to, RelocKind kind, u32 index, i64 addend = 0);
  void call_helper(Helper helper);

  // ---- baseline_integer.cpp
  void integer_binary(const ir::Instruction& i);
  void integer_unary(const ir::Instruction& i);
  void overflow(const ir::Instruction& i);
  void prepare_binary(ir::Op op, u32 bits, bool constant_b);
  RegId binary(ir::Op op, u32 bits, RegId to, const Operand& a, const Operand& b);
  RegId rare_binary(ir::Op op, u32 bits, RegId to, const Operand& a, const Operand& b);
  RegId divide(ir::Op op, u32 bits, const Operand& a, const Operand& b);
  void take_divided(const ir::Instruction& i);
  void divide_once(const ir::Instruction& i, const Operand& a, const Operand& b);
  void emit_sign_of_rax(u32 bytes);
  RegId high_product(ir::Op op, u32 bits, RegId to, const Operand& a, const Operand& b);
  void minmax(ir::Op op, u32 bits, RegId to, const Operand& a, const Operand& b);
  void saturating(ir::Op op, u32 bits, RegId to, const Operand& a, const Operand& b);
  bool multiply_by_shifts(RegId to, RegId from, u64 factor, u32 width);
  void shift(ir::Op op, u32 bits, RegId to, const Operand& a, const Operand& b);
  void unary(ir::Op op, u32 bits, RegId to, const Operand& a);
  void population_count(u32 bits, RegId to);
  void reverse_bits(u32 bits, RegId to);
  Condition compare(const ir::Instruction& c);
  Condition integer_compare(ir::Op op, u32 bytes, Operand a, Operand b);
  Condition test(ir::ValueId condition);
  Condition condition_of(ir::ValueId condition);
  void set_from(RegId to, Condition c);
  void compare_scalar(const ir::Instruction& i);
  void select(const ir::Instruction& i);
  void select_gp(const ir::Instruction& i);
  void select_vec(const ir::Instruction& i);
  bool upper_bits_clear(ir::ValueId v) const;
  void convert_integer(const ir::Instruction& i);

  // ---- baseline_division.cpp: by constants. True if done
  bool divide_by_constant(const ir::Instruction& i);
  void divide_signed_by_power(const ir::Instruction& i, u32 log2);
  void divide_by_power(const ir::Instruction& i, u64 divisor);
  void unsigned_quotient(u32 bits, u64 divisor);
  void signed_quotient(u32 bits, i64 divisor);
  void remainder_from_quotient(u32 bits, i64 divisor);

  // ---- baseline_float.cpp
  void float_op(const ir::Instruction& i);
  void float_binary(ir::Op op, u32 bytes, RegId to, RegId a, const Operand& b, u32 width);
  void float_unary(ir::Op op, u32 bytes, RegId to, const Operand& a, u32 width);
  void float_min_max(ir::Op op, u32 bytes, RegId to, RegId a, RegId b, u32 width);
  void copy_sign(u32 bytes, RegId to, RegId a, RegId b, u32 width);
  void fused_multiply_add(u32 bytes, RegId to, RegId a, RegId b, const Operand& c, u32 width);
  bool float_calls(ir::Op op) const;
  void float_helper(ir::Op op, u32 bytes);
  Condition float_compare(ir::Op op, u32 bytes, ir::ValueId a, ir::ValueId b);
  Condition float_compare(ir::Op op, u32 bytes, RegId a, RegId b);
  void convert_float(const ir::Instruction& i);
  void to_integer(ir::Op op, ir::Kind to, ir::Kind from, RegId result, RegId a);
  void to_float(ir::Op op, ir::Kind to, ir::Kind from, RegId result, const Operand& a);
  void resize_float(ir::Op op, ir::Kind to, ir::Kind from, RegId result, RegId a);
  void bitcast(const ir::Instruction& i);

  // ---- baseline_memory.cpp
  x86::Mem address(ir::ValueId pointer, i64 offset, u32 bytes);
  void load(const ir::Instruction& i);
  void store(const ir::Instruction& i);
  void update_memory(const ir::Instruction& store);
  void pointer_arithmetic(const ir::Instruction& i);
  void memory_intrinsic(const ir::Instruction& i);
  void copy_inline(const ir::Instruction& i);

  // ---- baseline_control.cpp
  void branch(const ir::Instruction& i);
  void branch_if(const ir::Instruction& i);
  void switch_on(const ir::Instruction& i);
  void return_results(const ir::Instruction& i);
  void call(const ir::Instruction& i);
  void bind_results(const ir::Instruction& i, const ir::FunctionType& type);
  bool edge_needs_moves(const ir::Edge& e);
  void edge_moves(const ir::Edge& e);
  bool can_move_first(const ir::Edge& e, const ir::Edge& other);
  void forget_overwritten(const ir::Edge& e);
  void jump_to(const ir::Edge& e);
  bool is_next(ir::BlockId b) const;
  void go(ir::BlockId b);
  bool only_leads_on(ir::BlockId b);
  Label target(ir::BlockId b);
  void jump_if(Condition c, Label to);
  void jump_unless(Condition c, Label to);
  void save_before_call(const ir::Instruction& i);
  void restore_after_call();
  void save_register(RegId r);
  void load_register(RegId r);
  struct Case {
    u64 value;
    Label to;
  };
  struct SwitchValue {
    RegId reg;
    u32 bytes;
    bool zero_extended;  // to 64 bits
  };
  // Cases ascend. If it falls through, what `otherwise` is follows.
  void search_case(std::span<const Case> cases, SwitchValue v, Label otherwise, bool falls_through);
  void jump_by_table(std::span<const Case> cases, SwitchValue v, Label otherwise);
  void place_jump_tables();

  // ---- baseline_system.cpp
  void save_variadic_arguments();
  void start_va_list(const ir::Instruction& i);
  void copy_arguments(std::span<const ir::ValueId> arguments, const Passing& passing,
                      const ir::FunctionType& type);
  void copy_argument(RegId from, i32 to, u32 bytes);
  void atomic(const ir::Instruction& i);
  void atomic_update(const ir::Instruction& i);
  void atomic_logic(const ir::Instruction& i);
  void atomic_compare(const ir::Instruction& i);
  void stack_space(const ir::Instruction& i);

  // ---- baseline_vector.cpp
  void vector_op(const ir::Instruction& i);
  bool vector_by_parts(const ir::Instruction& i);
  InstId vector_instruction(ir::Op op, ir::Kind kind) const;
  void packed(ir::Op op, ir::Kind kind, RegId to, RegId a, const Operand& b, u32 bytes);
  void shift_all(ir::Op op, u32 bits, RegId to, RegId a, u32 amount, u32 bytes);
  bool same_lanes(ir::ValueId v, u64& bits) const;
  bool vector_binary(const ir::Instruction& i);
  void shift_part(ir::Op op, u32 bits, RegId to, RegId a, u32 amount, u32 bytes);
  void multiply_part(u32 bits, RegId to, RegId a, RegId b, u32 bytes);
  bool vector_abs(const ir::Instruction& i);
  bool can_compare(u32 bits) const;
  bool in_vex_registers(RegId to, RegId a, RegId b, u32 bytes) const;
  bool compare_vex(ir::Op op, u32 n, RegId to, RegId a, RegId b, u32 bytes);
  void compare_part(ir::Op op, ir::Kind kind, RegId to, RegId a, RegId b, u32 bytes);
  bool vector_compare(const ir::Instruction& i);
  bool vector_float_compare(const ir::Instruction& i);
  void choose_part(RegId to, RegId mask, RegId yes, RegId no, u32 bytes);
  bool vector_select(const ir::Instruction& i);
  bool vector_float(const ir::Instruction& i);
  bool vector_convert(const ir::Instruction& i);
  bool vector_dot4(const ir::Instruction& i);

  // ---- baseline_widths.cpp
  RegId bytes_at(ir::ValueId v, u32 offset);
  bool vector_extend(const ir::Instruction& i);
  void widen_low(u32 bits, RegId r, bool is_signed);
  bool vector_truncate(const ir::Instruction& i);
  void narrow_pair(u32 bits, RegId a, RegId b, u32 bytes);
  void broadcast(RegId to, RegId from, u32 bits, u32 bytes);
  void bind_everywhere(ir::ValueId result, RegId r);
  bool vector_splat(const ir::Instruction& i);
  bool vector_extract(const ir::Instruction& i);
  bool vector_insert(const ir::Instruction& i);
  bool upper_lane_follows(const ir::Instruction& i);
  void insert_into_16(const ir::Instruction& i, u32 n);
  void insert_wide(RegId r, u32 n, u32 size, RegId source, RegId number, u32 bytes);
  void insert_lane(RegId r, u32 at, u32 size, RegId source, RegId number);

  // ---- baseline_shuffle.cpp
  bool vector_shuffle(const ir::Instruction& i);
  bool shuffle_512(const ir::Instruction& i);
  bool shuffle_parts(const ir::Instruction& i);
  bool can_shuffle(const u8* of, const u8* piece, u32 sources, u32 bytes, u32 from_bytes) const;
  void shuffle_16(const u8* of, const u8* piece, u32 sources, RegId to, RegId a, RegId b);
  void shuffle_32(const u8* of, const u8* piece, u32 sources, RegId to, RegId a, RegId b);

  // ---- baseline_lanes.cpp: one lane after the other, through the frame
  void by_lanes(const ir::Instruction& i);
  x86::Mem lane(ir::ValueId v, u32 n);
  void spill_for_lanes(ir::ValueId v);
  void lanes_binary(const ir::Instruction& i);
  void lanes_unary(const ir::Instruction& i);
  void lanes_compare(const ir::Instruction& i);
  void lanes_select(const ir::Instruction& i);
  void lanes_convert(const ir::Instruction& i);
  void lanes_float(const ir::Instruction& i);
  void lanes_shuffle(const ir::Instruction& i);
  void lanes_splat(const ir::Instruction& i);
  void lanes_extract(const ir::Instruction& i);
  void lanes_insert(const ir::Instruction& i);
  void lanes_reduce(const ir::Instruction& i);
  void lanes_reduce_float(const ir::Instruction& i);
  void lanes_mask_bits(const ir::Instruction& i);
  void lanes_dot4(const ir::Instruction& i);
  void load_lane(RegId to, const x86::Mem& from, ir::Kind kind);
  void store_lane(const x86::Mem& to, RegId from, ir::Kind kind);

  const ir::Module& module_;
  const ir::Function& f_;
  const CodegenOptions& options_;
  const platform::CpuFeatures& features_;
  Analysis analysis_;
  const Isa isa_;
  const bool probe_frame_;

  FirstError first_error_;
  asmjit::CodeHolder code_;
  x86::Assembler a_;
  std::vector<Label> labels_;  // by block
  Label exit_, constants_label_;
  Label hot_, cooled_;  // out of line: heat used up; and back from there
  Label timed_, body_;  // out of line: a call that is timed; what it calls
  struct Poll {
    Label ask, back;
    RegId result;
    u32 header;
  };
  std::vector<Poll> polls_;
  std::vector<u8> constants_;
  struct JumpTable {
    Label at;
    std::vector<Label> targets;
  };
  std::vector<JumpTable> jump_tables_;
  CompiledCode out_;

  ir::ValueId owner_[kRegCount];   // cached value ...
  u8 owner_part_[kRegCount] = {};  // ... and which part of it
  RegMask occupied_ = 0;
  RegMask pinned_ = 0;
  RegMask reserved_ = 0;  // fixed registers of this block, or of this instruction
  RegMask read_ = 0;      // those that hold something while the instruction reads its operands
  const ir::Instruction* now_ = nullptr;
  const ir::Instruction* divided_ = nullptr;  // the next one, if rax and rdx hold its result already
  struct Borrowed {
    RegId reg;
    i32 slot;
  };
  std::vector<Borrowed> borrowed_;  // until the end of the instruction
  i32 borrow_slots_[kRegCount];
  u32 position_ = 0;         // of the instruction, see Analysis
  RegMask across_call_ = 0;  // saved before the call of this instruction
  u32 next_victim_ = 0;
  std::vector<Move> moves_;
  i32 cycle_slot_ = -1;

  u32 current_ = 0;  // position of the block in the layout
  u32 next_held_ = 0, next_made_ = 0;  // in the lists of the analysis
  u32 saved_count_ = 0;
  u32 frame_bytes_ = 0;
  std::vector<i32> free_slots_[4];  // of 8, 16, 32, 64 bytes
  u32 frame_patch_ = 0;             // offset of the `sub rsp, imm32`
  i32 save_area_ = 0;  // of a variadic function
  std::vector<std::pair<ir::ValueId, i32>> stack_allocs_;
  ir::Location location_ = 0;
};

}  // namespace bf::microjit::baseline
