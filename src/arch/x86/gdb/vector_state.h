// The upper halves of the AVX registers of the calling core: an exception leaves them where they are,
// because the kernel is compiled for SSE2, which does not touch them.
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::x86::gdb {

// 16 bytes for each of the 16 registers. Zeros, and nothing, where the processor has none.
void read_upper_halves(std::span<u8, 256> bytes);
void write_upper_halves(std::span<const u8, 256> bytes);

}  // namespace bf::x86::gdb
