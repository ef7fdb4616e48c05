// The pieces of code that every function has from the start, made by hand, and the ways from
// compiled code into the engine.
#pragma once

#include "microjit/function_state.h"

namespace bf::microjit {

// One function's piece: its stub (its address as a value: jumps through the slot), then the entry
// to the interpreter.
inline constexpr u32 kStubBytes = 32;
inline constexpr u32 kEntryBytes = 32;
void append_entries(std::vector<u8>& out, const FunctionState& state);

// Where Helper::hot arrives. Set by the engine.
using HotEntry = void(FunctionState& state);
void set_hot_entry(HotEntry* entry);

}  // namespace bf::microjit
