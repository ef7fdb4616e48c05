// The kernel's own symbol table, for backtraces: made by scripts/symbols.py after a first link, put
// into the section .symbols by the second.
//
// The table is a sequence of entries in the order of their addresses, each relative to the one
// before: ULEB128 distance from the last address, one byte of how many characters of the last name
// are kept, one byte of how many follow, the characters. It ends with the section.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// The function at or before `address`: its name, cut to `capacity` - 1 characters, and how far
// into it the address is. False if there is none.
bool find_symbol(u64 address, char* name, usize capacity, u64& offset);

}  // namespace bf::x86
