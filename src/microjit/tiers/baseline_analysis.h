// What the baseline tier knows of a function before it emits the first byte: where values live
// (counts of uses, live intervals), which compares and addresses are made by their users, and which
// values stay in one register for as long as they live.
//
// Positions: every instruction in layout order has an even position, where it reads its operands,
// and the odd one after it, where it writes its result. Block arguments are written at the odd
// position before the block's first instruction. Intervals are closed, and an over-approximation
// around loops: what is alive at the head of a loop is alive to the end of it.
#pragma once

#include "microjit/link.h"
#include "microjit/passing.h"
#include "microjit/tiers/baseline_layout.h"
#include "microjit/tiers/live_ranges.h"

namespace bf::microjit::baseline {

// What instruction set vectors are made for.
enum class Isa : u8 { Sse2, Avx2, Avx512 };
Isa isa_of(const platform::CpuFeatures& features);
// Bytes of the widest register: a part of a value is at most so big.
constexpr u32 chunk_bytes(Isa isa) {
  return isa == Isa::Sse2 ? 16 : isa == Isa::Avx2 ? 32 : 64;
}

enum class Bank : u8 { Gp, Vec };
// f16 and bf16 scalars are for storage and conversion only: bit patterns in general registers.
constexpr Bank bank_of(ir::Type t) {
  return t.is_vector() || t.is_arithmetic_float() ? Bank::Vec : Bank::Gp;
}

// Registers of both banks in one numbering: general ones by their encoding, then vector registers.
using RegId = u8;
using RegMask = u64;
inline constexpr RegId kNoReg = 0xff;
inline constexpr RegId kFirstVec = 16;
inline constexpr u32 kRegCount = 48;
enum : RegId {
  kRax,
  kRcx,
  kRdx,
  kRbx,
  kRsp,
  kRbp,
  kRsi,
  kRdi,
  kR8,
  kR9,
  kR10,
  kR11,
  kR12,
  kR13,
  kR14,
  kR15
};
constexpr RegId vec_id(u32 n) {
  return static_cast<RegId>(kFirstVec + n);
}
constexpr RegMask bit(RegId r) {
  return RegMask{1} << r;
}

// Never allocated: for short sequences inside one instruction, and for moves.
inline constexpr RegId kScratchGp = kR11;
inline constexpr RegId kScratchVec = vec_id(15);
inline constexpr RegMask kCalleeSaved = bit(kRbx) | bit(kR12) | bit(kR13) | bit(kR14) | bit(kR15);

struct ValueInfo {
  u32 first_part = 0;
  u32 uses = 0;                         // in emitted code and not emitted yet
  u32 start = 0, end = 0;               // positions
  u32 first_block = 0, last_block = 0;  // in layout order
  u32 weight = 0;                       // uses and definitions, more in loops
  ir::ValueId partner = ir::kNoValue;   // worth having the same register as
  i32 slot = -1;                        // offset in the frame, once there is one
  u8 part_count = 1;
  u8 part_bytes = 8;  // of each part: of the register for vectors, 8 for scalars
  Bank bank = Bank::Gp;
  bool keeps_parts = false;  // part n is made of parts n of operands only
  bool crosses_blocks = false;
  bool crosses_calls = false;
  bool by_user = false;  // compare or address that its users make
  bool remade = false;   // never stored: constant, or address that costs no more to make again
};

// A value in pieces as wide as a register.
struct Part {
  ir::ValueId value = 0;
  RegId fixed = kNoReg;   // the register that it has for life
  RegId cached = kNoReg;  // where else it is at the moment
  bool in_slot = false;
  u8 index = 0;
};

// Which values get registers for life.
enum class Registers : u8 {
  None,
  AcrossBlocks,  // values that several blocks use; the others are cached while a block lasts
  Everywhere,    // allocation.h
};

u32 weight_at(u32 depth);

// A constant or an address that stays in a register for a loop.
struct Held {
  u32 block;  // position in the layout
  ir::ValueId value;
  RegId reg;
};

struct Analysis {
  Analysis(const ir::Module& module, const ir::Function& function,
           const platform::CpuFeatures& features, Registers registers);

  RegId fixed_register(ir::ValueId v, u32 part) const {
    return parts[values[v].first_part + part].fixed;
  }
  // Whether anybody reads a value; block arguments that nobody reads are not passed.
  bool is_read(ir::ValueId v) const { return raw_[v].count != 0; }
  // Registers that are fixed somewhere between two positions. To be asked in ascending order.
  RegMask reserved_in(u32 start, u32 end);
  // The same at an instruction: those fixed where it reads, and those fixed there or where it writes.
  struct Reserved {
    RegMask reading, either;
  };
  Reserved reserved_at(u32 position);
  // Of these registers, those that hold the same value before and after what happens at `position`;
  // after reserved_in() of that position.
  RegMask alive_across(u32 position, RegMask registers) const;
  // A register is fixed in that interval.
  void take(RegId r, Interval i) {
    taken_[r].push_back(i);
    ever_fixed_ |= bit(r);
  }
  // Whether no value has that register for life anywhere in the interval.
  bool free_in(RegId r, Interval i) const;
  const platform::CpuFeatures& features() const { return features_; }

  Layout layout;
  Isa isa;
  std::vector<ValueInfo> values;
  std::vector<Part> parts;
  std::vector<u32> block_start, block_end;  // positions
  // What is remade elsewhere but held in these blocks, and the blocks that make it at their end;
  // ascending.
  std::vector<Held> held, made;
  RegMask saved = 0;                        // callee-saved registers the function may use
  u32 outgoing_bytes = 0;                   // stack arguments of its calls
  u32 frame_alignment = 16;
  bool wide_vectors = false;  // ymm or zmm
  bool grows_stack = false;   // rbx is the base of the frame
  const Registers registers;

 private:
  void set_up_values();
  void count_raw_uses();
  void find_made_by_user();
  void find_tested_bits(const ir::Instruction& compare);
  void find_memory_operands(const ir::Block& block);
  void find_updates(const ir::Block& block);
  bool is_written_between(u32 first, u32 last) const;
  void number();
  void use(ir::ValueId v, u32 position, u32 block);
  void extend_over_loops();
  void mark_call_crossings();
  void assign_fixed_registers();
  void save_registers_for_blocks();
  bool assign(u32 part, RegMask pool);
  bool call_inside(Interval i) const;

  const ir::Module& module_;
  const ir::Function& f_;
  const platform::CpuFeatures& features_;
  struct RawUse {
    u32 count = 0;
    u32 as_address = 0;  // of loads and stores in the block of the definition
    u32 as_condition = 0;  // of branches and choices there
    u32 user = 0;        // an instruction that uses it
    bool local = true;
  };
  std::vector<RawUse> raw_;
  std::vector<u32> calls_;                  // positions, ascending
  std::vector<Interval> taken_[kRegCount];  // ascending
  u32 next_taken_[kRegCount] = {};
  RegMask ever_fixed_ = 0;
  LiveRanges* ranges_ = nullptr;  // while uses are counted for Registers::Everywhere
};

// Whether the code of an instruction calls something, so that only callee-saved registers survive.
bool is_call(const ir::Function& f, const ir::Instruction& i,
             const platform::CpuFeatures& features);
// The registers, beside operands and results, that the code of an instruction insists on: what is
// read or alive there is elsewhere.
RegMask claimed_registers(const ir::Function& f, const ir::Instruction& i,
                          const platform::CpuFeatures& features);
// Whether a memcopy, memmove or memfill of that many bytes is emitted as moves.
inline constexpr u64 kInlineCopyBytes = 128;
bool copies_inline(const ir::Function& f, const ir::Instruction& i);
const ir::FunctionType& call_type(const ir::Module& m, const ir::Instruction& call);

// Where System V passes a parameter: in a register, or at a byte offset of the stack arguments.
u32 stack_argument_bytes(const ir::FunctionType& type);
struct Passed {
  RegId reg;
  u32 stack_offset;
  u32 copied;  // 0, or one more than the bytes that are passed instead of the address of them
};
struct Passing {
  Passed where[ir::kMaxParameters];  // as many as there are parameters
  ArgumentCount used;
  explicit Passing(const ir::FunctionType& type);
};

}  // namespace bf::microjit::baseline
