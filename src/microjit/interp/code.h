// Pre-decoded functions for the interpreter: cells of direct-threaded code.
//
// A frame is one stretch of the native stack: results, parameters, the values of the function, its
// constants (copied in at every call, so that an operand is always just an offset), scratch space,
// stack_allocs. Scalars take 8 bytes, vectors 16 to 64; bits beyond a value's type are unspecified.
#pragma once

#include <vector>

#include "microjit/function_state.h"

namespace bf::microjit::interp {

struct Cell;

// Runs one cell and jumps on to the next one's handler (a tail call); a `ret` cell returns.
using Handler = void(const Cell* cell, u8* frame, FunctionState* state);

// Operands are byte offsets in the frame unless the handler says otherwise.
struct Cell {
  Handler* handler = nullptr;
  u32 a = 0;  // usually the result
  u32 b = 0, c = 0, d = 0;
  union {
    i64 imm = 0;
    const void* pointer;
    struct {
      i32 taken, other;  // branch targets, in cells from this one
    } target;
  };
};
static_assert(sizeof(Cell) == 32);

inline constexpr u32 kNone = ~0u;

// A call's arguments and results; shared by calls of functions, imports and pointers.
struct CallSite {
  FunctionState* callee = nullptr;    // call
  const void* address = nullptr;      // call_import
  u32 pointer = kNone;                // call_indirect: offset of the address
  const ir::FunctionType* type = nullptr;
  std::vector<u32> arguments;         // offsets
  u32 results[ir::kMaxResults] = {kNone, kNone};
};

struct SwitchTable {
  std::vector<u64> cases;     // ascending
  std::vector<i32> targets;   // in cells from the switch cell, one per case
  i32 otherwise = 0;
};

// Pieces of a shuffle: runs of lanes that stay together.
struct ShufflePlan {
  struct Run {
    u32 from, to, bytes;  // offsets in the frame
  };
  std::vector<Run> runs;
};

inline constexpr u32 kResultsOffset = 0;  // two results of 8 bytes
inline constexpr u32 kParametersOffset = 16;

struct Code {
  std::vector<Cell> cells;
  std::vector<u8> constants;
  u32 constants_offset = 0;
  u32 frame_bytes = 0;
  u32 va_area = 0;  // of a variadic function: a RegisterSaveArea, the address of the stack arguments
  std::vector<std::unique_ptr<CallSite>> calls;
  std::vector<std::unique_ptr<SwitchTable>> switches;
  std::vector<std::unique_ptr<ShufflePlan>> shuffles;
};

}  // namespace bf::microjit::interp
