// Going on in the middle of a function: which values that takes, and where they lie in the state
// that one version of the function hands to another.
//
//   ResumePoint point = resume_point(function, header);       // at a loop header
//   // the version that leaves stores each value at its offset in a buffer of point.bytes
//   ir::Function rest = make_continuation(module, function, point, type);
//   // rest: (ptr state) -> the function's results; any tier can run it
//
// So on-stack replacement and deoptimisation need nothing special of any tier: leaving a function is
// a call of a continuation followed by a return, entering one is a call. The frame that was left
// stays on the stack meanwhile, so pointers to its stack_allocs stay good.
#pragma once

#include "microjit/ir/module.h"

namespace bf::microjit {

struct ResumeValue {
  ir::ValueId value = 0;
  ir::Type type;
  u32 offset = 0;  // in the state
};

// A place in a function: before an instruction of a block. At the first instruction, the block's
// arguments have been set.
struct ResumePoint {
  ir::BlockId block = 0;
  u32 instruction = 0;               // within the block
  std::vector<ResumeValue> values;   // alive there, ascending; without what can be made again
  u32 bytes = 0;                     // of the state, a multiple of 8
};

// The index of the type of a function's continuations, (ptr) -> its results; ~0u if the module does
// not have it. add_resume_types() gives it to every function of a module.
u32 resume_type(const ir::Module& module, const ir::Function& function);
void add_resume_types(ir::Module& module);

// Bytes that a value takes in the state, which are also its alignment there relative to its start:
// 8 for scalars, 8 to 64 for vectors.
constexpr u32 state_bytes(ir::Type type) { return type.bytes() <= 8 ? 8 : type.bytes(); }

// Whether an instruction's result is an address that costs nothing to make again, so that states do
// not hold it: data_addr, func_addr, import_addr.
bool is_constant_address(const ir::Instruction& i);

// The values that are alive at a place of a verified function, laid out. Time and memory are linear
// in the blocks and uses behind the place, for each value that is alive across blocks.
ResumePoint resume_point(const ir::Function& function, ir::BlockId block, u32 instruction = 0);

// The same for the starts of several blocks at once.
std::vector<ResumePoint> resume_points(const ir::Function& function,
                                       std::span<const ir::BlockId> blocks);

// Whether any block jumps to one that does not come after it: without that there are no loops.
bool has_back_edges(const ir::Function& function);

// The function with a question on every back edge of its loops (the operation loop_poll): whether to
// leave for a continuation. Nothing of that is alive in the loops but what is alive there anyway,
// and the code that leaves never comes back, so the question costs a countdown and a branch. `type`
// as for make_continuation.
ir::Function with_loop_polls(const ir::Module& module, const ir::Function& function, u32 type);

// The rest of a function from a place on, as a function of its own. `type` is the index of the type
// (ptr) -> the function's results. Small stack_allocs whose address stays in the function are moved
// into the continuation's own frame, so that passes can take them apart. `origins` gets, for every
// instruction of the continuation, which one of the function it was, or passes::kNoOrigin: what has
// been seen of the function holds for its rest too.
ir::Function make_continuation(const ir::Module& module, const ir::Function& function,
                               const ResumePoint& point, u32 type,
                               std::vector<u32>* origins = nullptr);

}  // namespace bf::microjit
