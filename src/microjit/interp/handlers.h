// Which handler runs an operation on a type. Null: there is none (the verifier excludes it).
//
// Cells of these handlers: a result, b c d operands; lane-by-lane ones take the number of lanes in
// `imm`, chunked ones the number of 16-byte chunks in `imm`, when it is not part of the handler.
#pragma once

#include "microjit/interp/code.h"

namespace bf::microjit::interp {

// How many 16-byte chunks a vector takes in the frame (at least one).
constexpr u32 chunks_of(ir::Type t) { return t.bytes() <= 16 ? 1 : t.bytes() / 16; }

// One operation's handler and what its cell needs in `imm`.
struct Choice {
  Handler* handler = nullptr;
  i64 imm = 0;
};

// handlers_integer.cpp: binary, unary, compare, overflow; `type` is the operands' type
Choice integer_handler(ir::Op op, ir::Type type);
// A vector shift of all lanes by the same constant (amount in `imm`).
Handler* uniform_shift_handler(ir::Op op, ir::Type type);

// handlers_float.cpp: binary, unary, ternary, compare
Choice float_handler(ir::Op op, ir::Type type);

// handlers_convert.cpp: from `from` to `to`
Choice convert_handler(ir::Op op, ir::Type from, ir::Type to);

// handlers_vector.cpp: select, splat, extract, insert, shuffle, reductions, masks, dot products;
// `type` is the vector's
Choice vector_handler(ir::Op op, ir::Type type);
// A select of whole values by one i1.
Choice select_whole_handler(ir::Type type);

// handlers_memory.cpp
Handler* load_handler(u32 bytes);           // a = memory[b + imm]
Handler* store_handler(u32 bytes);          // memory[b + imm] = a
Handler* indexed_load_handler(u32 bytes);   // a = memory[b + c * d(number) + imm]
Handler* indexed_store_handler(u32 bytes);  // memory[b + c * d(number) + imm] = a
Handler* move_handler(u32 bytes);           // a = b
Choice memory_handler(ir::Op op);  // memcopy, memmove, memfill, ptradd, index, stack_alloc

// handlers_control.cpp
Handler* jump_handler(bool back);  // a: distance; a back edge costs heat, imm: the block there
Handler* branch_handler();         // b: i1
Handler* switch_handler(u32 bytes);  // b, pointer: SwitchTable
Handler* return_handler(u32 count);  // b, c: results
Handler* return_acc_handler();
Handler* unreachable_handler();
Handler* resume_entry_handler();  // a: result, b: block, c: instruction
Handler* loop_poll_handler();  // a: result, imm: header
Handler* call_handler(ir::Op op);  // pointer: CallSite

// handlers_system.cpp
Handler* va_start_handler();  // a: va_list, b: the frame's va_area
Handler* atomic_handler(ir::Op op, ir::Type type);  // memory[b + imm]; a result, c d operands
Handler* atomic_store_handler(u32 bytes);           // memory[b + imm] = a
Handler* fence_handler();
// a: result, b: bytes or what was saved, c: alignment, d: the frame's chunk list
Handler* stack_grow_handler();
Handler* stack_save_handler();
Handler* stack_restore_handler();
Handler* stack_start_handler();    // d: an empty list
Handler* stack_release_handler();  // d: all of it
inline constexpr u32 kVaAreaBytes = 192;

// superinstructions.cpp: makes one cell of two that stand next to each other, if there is one that
// does both (superinstructions.def). What jumps to the second, or knows its place, must not be.
class CellJoiner {
 public:
  CellJoiner();
  bool join(Cell& first, const Cell& second) const;

 private:
  struct Pair {
    Handler *first, *second, *both;
    bool (*join)(Cell& first, const Cell& second);
  };
  static constexpr u32 kPairs = 0
#define BF_PAIR(first, second, both, join) +1
#define BF_STEPS(compare) +4
#include "microjit/interp/superinstructions.def"
#undef BF_PAIR
#undef BF_STEPS
      ;
  const Pair pairs_[kPairs];
};

}  // namespace bf::microjit::interp
