// Pre-decoded functions for the interpreter: cells of direct-threaded code.
//
// A frame is one stretch of the native stack: results, parameters, the values of the function that
// need a place, scratch space, constants that no cell holds itself (set at every call), stack_allocs.
// Scalars take 8 bytes, vectors 16 to 64; bits beyond a value's type are unspecified.
#pragma once

#include <atomic>
#include <span>
#include <vector>

#include "microjit/function_state.h"

namespace bf::microjit::interp {

struct Cell;

// What the last cell that made a float or a vector of 16 bytes made; scalars in the first lane.
using Wide = double __attribute__((vector_size(16)));

// Runs one cell and jumps on to the next one's handler (a tail call); a `ret` cell returns the first
// result. All that goes from handler to handler stays in registers, the result of the last integer
// operation (`acc`) and of the last float operation (`wide`) among them: a value whose only use
// follows soon is never written to the frame.
using Handler = u64 __attribute__((preserve_none)) (const Cell* cell, u8* frame,
                                                    FunctionState* state, u64 acc, Wide wide);

// Operands are byte offsets in the frame unless the handler says otherwise. Branches: `a` and `d`
// are distances in bytes to the cells that are next when it is taken and when it is not.
struct Cell {
  Handler* handler = nullptr;
  u32 a = 0;  // usually the result
  u32 b = 0, c = 0, d = 0;
  union {
    i64 imm = 0;
    const void* pointer;
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
  bool plain = true;  // type->is_plain()
  // call_indirect: the function of this module that was called last, to find it again by its stub
  mutable std::atomic<FunctionState*> last{nullptr};
  std::span<FunctionState* const> functions;  // of the module
  // call_indirect: which instruction it is, where it went first, and whether it went elsewhere since.
  // Cores may lose each other's counts.
  u32 origin = 0;
  mutable const void* target = nullptr;
  mutable u64 hits = 0, misses = 0;
};

struct SwitchTable {
  std::vector<u64> cases;     // ascending
  std::vector<i32> targets;   // in bytes from the switch cell, one per case
  i32 otherwise = 0;
};

// Pieces of a shuffle: runs of lanes that stay together.
struct ShufflePlan {
  struct Run {
    u32 from, to, bytes;  // offsets in the frame
  };
  std::vector<Run> runs;
};

inline constexpr u32 kSecondResultOffset = 0;  // the first one is what the last handler returns
inline constexpr u32 kParametersOffset = 16;

struct Code {
  std::vector<Cell> cells;
  // What has to be in the frame before the first cell runs: constants that no cell holds itself.
  struct ConstantWord {
    u32 offset;
    u64 bits;
  };
  std::vector<ConstantWord> constants;
  u32 frame_bytes = 0;
  // Where a value is in the frame, at the places where it is alive and its block starts; kNone where
  // nothing had to be kept.
  std::vector<u32> places;
  u32 va_area = 0;  // of a variadic function: a RegisterSaveArea, the address of the stack arguments
  std::vector<std::unique_ptr<CallSite>> calls;
  std::vector<std::unique_ptr<SwitchTable>> switches;
  std::vector<std::unique_ptr<ShufflePlan>> shuffles;
};

}  // namespace bf::microjit::interp
