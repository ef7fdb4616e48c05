// A module of BareFlow IR in memory: what the lowering makes, the image format stores, the verifier
// checks and the tiers read.
//
// A function is in SSA form: blocks with block arguments, the first block being the entry whose
// arguments are the function's parameters. Everything is flat: operands, edges, masks and cases lie
// in pools of the function, instructions name ranges of them. A module does not change once it
// verifies; optimising tiers work on their own copy.
//
//   ir::Module module;                       // see ir/builder.h to make one,
//   auto loaded = ir::read_image(bytes);     // ir/image.h to load one,
//   auto parsed = ir::parse_text(text);      // ir/text.h for the text form
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "microjit/ir/types.h"

namespace bf::ir {

enum class Op : u8 {
#define BF_OP(name, signature, effects, rounding, cost) name,
#include "microjit/ir/ops.def"
#undef BF_OP
};

enum class Signature : u8 {
  IntBinary, IntUnary, IntCompare, IntOverflow,
  FloatBinary, FloatUnary, FloatTernary, FloatCompare,
  Select,
  IntTruncate, IntExtend, FloatTruncate, FloatExtend, FloatToInt, IntToFloat, Bitcast,
  Load, Store, MemCopy, MemFill, PtrAdd, DataAddr, FuncAddr, ImportAddr, StackAlloc,
  Splat, Extract, Insert, Shuffle, IntReduce, FloatReduce, MaskBits, Dot4,
  Call, CallImport, CallIndirect, LoopPoll, SecondResult, VaStart,
  AtomicLoad, AtomicStore, AtomicUpdate, AtomicCompare, Fence,
  StackGrow, StackSave, StackRestore,
  Branch, BranchIf, Switch, Return, Unreachable,
};
enum class Effects : u8 { Pure, Traps, Reads, Writes, Calls, Ends };
enum class Rounding : u8 { Exact, Rounds, Reassoc };

struct OpInfo {
  const char* name;  // of the row; op_name() is the word of the text form
  Signature signature;
  Effects effects;
  Rounding rounding;
  u8 cost;
};
// The row of an operation.
const OpInfo& op_info(Op op);
// Its word in the text form: the row's name without a trailing '_'.
std::string_view op_name(Op op);
// The operation that a reduction of integers (reduce_add, ...) repeats from lane to lane.
Op combining_op(Op reduction);
inline constexpr u32 kOpCount = 0
#define BF_OP(name, signature, effects, rounding, cost) +1
#include "microjit/ir/ops.def"
#undef BF_OP
    ;

using ValueId = u32;
using BlockId = u32;
inline constexpr ValueId kNoValue = ~0u;

// Where a value comes from.
enum class Def : u8 { BlockArgument, Instruction, Constant };

struct Value {
  Type type;
  Def def = Def::Instruction;
  // Instruction: its index. BlockArgument: its block. Constant: scalar, see `bits`; vector, the
  // offset of its bytes in Function::constant_bytes.
  u32 index = 0;
  u64 bits = 0;  // scalar constants: the bit pattern, zero-extended
};

// Source location: file index << 20 | line; 0 is unknown.
using Location = u32;
constexpr u32 location_line(Location l) { return l & 0xfffff; }
constexpr u32 location_file(Location l) { return l >> 20; }

struct Instruction {
  Op op = Op::unreachable;
  Type type;                    // of the result; Void where there is none
  u16 operand_count = 0;        // operands: Function::operands[first_operand ...]
  u32 first_operand = 0;
  ValueId result = kNoValue;
  u32 first_edge = 0;           // terminators: Function::edges[first_edge ...]
  u32 edge_count = 0;
  u32 aux = 0;                  // by operation, see ops.def; switch: first of edge_count - 1 cases
  Location location = 0;
  i64 imm = 0;                  // by operation, see ops.def
};

// A jump to a block, with the values of its arguments.
struct Edge {
  BlockId block = 0;
  u32 first_argument = 0;  // in Function::operands
  u32 argument_count = 0;
};

struct Block {
  u32 first_instruction = 0;
  u32 instruction_count = 0;  // the last one ends the block
  ValueId first_argument = 0;  // its arguments are consecutive values
  u32 argument_count = 0;
};

// A parameter of kind ptr that is passed as the bytes it points to (System V's class MEMORY: big
// structures by value). The caller names what is copied among the stack arguments; the callee's
// parameter is the address of the copy, which is its own.
struct ByValue {
  u32 parameter = 0;
  u32 bytes = 0;
  u32 align_log2 = 3;  // 3 to 10: where the copy lies among the stack arguments
  bool operator==(const ByValue&) const = default;
};

// Parameter and result types: i32, i64, f32, f64 and ptr only (narrower integers are extended by
// the caller, vectors go by reference), at most two results. The native calling convention is the
// System V AMD64 ABI, so that C and IR functions can call each other.
//
// The type of a variadic function lists the parameters that have names. A call that passes more is
// a call_indirect with a variadic type of its own, which lists what that call passes.
struct FunctionType {
  std::vector<Kind> parameters;
  std::vector<Kind> results;
  std::vector<ByValue> by_value = {};  // ascending by parameter
  bool variadic = false;
  bool operator==(const FunctionType&) const = default;
  // All there is to it are parameters in registers or words of the stack.
  bool is_plain() const { return by_value.empty() && !variadic; }
};
inline constexpr u32 kMaxResults = 2;
inline constexpr u32 kMaxParameters = 256;
inline constexpr u64 kMaxStackBytes = u64{64} << 20;  // stack_allocs of one function
inline constexpr u32 kMaxByValueBytes = 1u << 20;  // of one call

enum FunctionFlag : u32 {
  kKernel = 1,    // worth an emitter of its own: named in the profile whatever it costs
  kReassoc = 2,   // float reductions may be reordered
  kCold = 4,
  // Has stack space of variable size. Such a function cannot be inlined, nor entered in the middle.
  kGrowsStack = 8,
};

struct Function {
  u32 name = 0;  // in Module::strings
  u32 type = 0;  // in Module::types
  u32 flags = 0;
  bool exported = false;
  u64 specialise = 0;  // bit i: parameter i is worth specialising on
  u32 index = 0;       // its own index in the module

  std::vector<Block> blocks;
  std::vector<Instruction> instructions;
  std::vector<Value> values;
  std::vector<u32> operands;
  std::vector<Edge> edges;
  std::vector<u8> masks;            // lanes of shuffles: 0 .. 2n-1
  std::vector<u64> cases;           // of switches
  std::vector<u8> constant_bytes;   // of vector constants

  std::span<const u32> operands_of(const Instruction& i) const {
    return {operands.data() + i.first_operand, i.operand_count};
  }
  std::span<const Edge> edges_of(const Instruction& i) const {
    return {edges.data() + i.first_edge, i.edge_count};
  }
  std::span<const u32> arguments_of(const Edge& e) const {
    return {operands.data() + e.first_argument, e.argument_count};
  }
  std::span<const Instruction> instructions_of(const Block& b) const {
    return {instructions.data() + b.first_instruction, b.instruction_count};
  }
  // What ends a block.
  const Instruction& terminator(const Block& b) const {
    return instructions[b.first_instruction + b.instruction_count - 1];
  }
  std::span<const u8> vector_bytes(const Value& v) const {
    return {constant_bytes.data() + v.index, v.type.bytes()};
  }
};

enum class Target : u8 { Data, Function, Import };

// 8 bytes at `offset` hold the address of a target plus an addend.
struct Relocation {
  u64 offset = 0;
  Target target = Target::Data;
  u32 index = 0;
  i64 addend = 0;
};

struct Data {
  u32 name = 0;
  u32 align_log2 = 0;
  bool writable = false;
  u64 size = 0;             // in bytes; what `bytes` does not cover is zero
  std::vector<u8> bytes;
  std::vector<Relocation> relocations;
};

// A function, or a variable (only its address is used), that the host has under this name.
struct Import {
  u32 name = 0;
  u32 type = 0;         // in Module::types; of a variable: any
  bool is_data = false;
  bool is_weak = false;  // its address is null where the host has none
};

struct Module {
  std::vector<FunctionType> types;
  std::vector<Function> functions;
  std::vector<Data> data;
  std::vector<Import> imports;
  std::vector<u32> files;       // source file names, in `strings`; file 0 is unknown
  std::vector<char> characters;  // all names
  struct String {
    u32 offset = 0, size = 0;
  };
  std::vector<String> strings;

  std::string_view string(u32 id) const {
    return {characters.data() + strings[id].offset, strings[id].size};
  }
  std::string_view name(const Function& f) const { return string(f.name); }
  // Index of the function of that name, or -1.
  i64 find_function(std::string_view name) const;
  // The id of a name, made if it is new. Linear: for building, not for hot paths.
  u32 intern(std::string_view text);
  u32 intern_type(const FunctionType& type);
};

}  // namespace bf::ir
