// A small ELF object about one compiled function: its symbol, its lines and how to unwind through it.
// What GDB's JIT interface takes (gdb_jit.h).
//
//   std::vector<u8> object = make_debug_object(module, version);
//
// Sections: .text (no bytes, at the code's address), .symtab, .debug_info with one compilation unit and
// one subprogram, .debug_abbrev, .debug_line (all DWARF 4), and .debug_frame: the caller's frame is at
// rsp at the function's entry, at rbp from its prologue on.
#pragma once

#include <vector>

#include "microjit/function_state.h"

namespace bf::microjit {

std::vector<u8> make_debug_object(const ir::Module& module, const Version& version);

}  // namespace bf::microjit
