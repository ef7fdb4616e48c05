// The pieces of code that every function has from the start, made by hand, and the ways from
// compiled code into the engine.
#pragma once

#include "microjit/emit/kernel.h"
#include "microjit/function_state.h"

namespace bf::microjit {

// One function's piece: its stub, then the entry to the interpreter. The stub is the function's
// address as a value: it jumps through the slot, to the best tier by an instruction of its own.
// Whoever comes from outside comes through a stub, so that is where a core that has not run code of
// the engine yet enters (quiescence.h).
inline constexpr u32 kStubBytes = 64;
inline constexpr u32 kEntryBytes = 32;
// Functions that have emitters: one more, from which calls go to the autotuner.
inline constexpr u32 kKernelEntryBytes = 32;
void append_kernel_entry(std::vector<u8>& out, const FunctionState& state);
void append_entries(std::vector<u8>& out, const FunctionState& state);

// Where Helper::hot and Helper::poll arrive. Set by the engine.
// `general`: rdi, rsi, rdx, rcx, r8, r9 as the call passed them.
using HotEntry = void(FunctionState& state, const u64* general);
void set_hot_entry(HotEntry* entry);
// Whether to leave the loop whose header is that block of the function: null to go on, or where to.
using PollEntry = const void*(FunctionState& state, u32 header);
void set_poll_entry(PollEntry* entry);
// Where calls of kernels arrive that no version is for, and those that are to be timed.
using KernelEntry = void(FunctionState& state, const emit::KernelCall& call);
void set_kernel_entry(KernelEntry* entry);
// Where Helper::resume arrives: the continuation from an instruction of a block on.
using ResumeEntry = const void*(FunctionState& state, u32 block, u32 instruction);
void set_resume_entry(ResumeEntry* entry);

}  // namespace bf::microjit
