// Tier 0: the interpreter, the reference for every other tier.
//
// Functions are decoded at their first call into direct-threaded cells (code.h). A handler runs one
// cell and goes on to the next one's by a tail call; handlers save no registers (preserve_none), so the
// cell, the frame, the function and two accumulators stay in registers all the time:
//
//   operand_forms.h        where operands are: in the frame, in an accumulator, in the cell. A handler
//                          for each form, made by templates (handlers_scalar, _wide, _address)
//   handlers.h             everything else: operands in the frame (handlers_integer, _float, ...)
//   decoder.h              which form a value takes: one that is used once, soon, is never in the frame
//   superinstructions.def  cells that are joined where they stand next to each other
//
// Interpreted functions call each other directly; compiled code, imports and C callers come in and go
// out through the System V bridge below. A back edge counts down the function's heat: where it is used
// up the engine is asked, and may send the loop on to compiled code (set_poll_hook).
#pragma once

#include "microjit/interp/code.h"

namespace bf::microjit::interp {

// Addresses that decoding bakes into the cells; the engine provides them.
struct Linkage {
  FunctionState* const* functions = nullptr;  // by function index
  const void* const* imports = nullptr;       // by import index
  u8* const* data = nullptr;                  // by data index
};

// Decodes a verified function. Cannot fail, but for memory.
std::unique_ptr<Code> decode(const ir::Module& module, const ir::Function& function,
                             const Linkage& linkage);

// Called where a function's heat is used up, before it runs once more in the interpreter. May put
// another version into the slot. Set by the engine.
using HotHook = void(FunctionState& state);
void set_hot_hook(HotHook* hook);

// What a back edge asks where heat is used up (and the operation loop_poll): null to go on, or a
// continuation (resume.h) that does the rest of the function. It is called with all that is alive at
// the start of the header, the arguments of the edge included. The hook gives the function new heat.
// Set by the engine.
using PollHook = const void*(FunctionState& state, u32 header);
void set_poll_hook(PollHook* hook);

// What the operation resume_entry asks: the continuation of a function from an instruction of a block
// on. Set by the engine.
using ResumeHook = const void*(FunctionState& state, u32 block, u32 instruction);
void set_resume_hook(ResumeHook* hook);

// Decodes a function at its first use. Set by the engine.
using DecodeHook = void(FunctionState& state);
void set_decode_hook(DecodeHook* hook);

// The common entry that every function's `interp_entry` thunk jumps to, with the FunctionState in
// r11. Not a C function.
extern "C" void bf_interp_entry();

}  // namespace bf::microjit::interp
