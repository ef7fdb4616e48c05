// Memory as a debugger sees it: what is mapped can be read and, read-only or not, be written; nothing
// that it asks for is a fault. For a core that is alone: interrupts off, the others held.
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::x86::gdb {

// How many bytes could be read, from the first on.
usize read_memory(u64 address, std::span<u8> bytes);
// All of them, or none and false. Code is written, too, through its mapping that is only for running.
bool write_memory(u64 address, std::span<const u8> bytes);

}  // namespace bf::x86::gdb
