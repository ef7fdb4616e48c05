// The registers of a core that has been interrupted, as GDB numbers them: what the entry points have
// put on the stack (entry_frame.h), and what only the core itself can reach and has copied.
#pragma once

#include <span>

#include "arch/x86/exceptions.h"
#include "arch/x86/gdb/target.h"

namespace bf::x86::gdb {

// Below the frame lie the x87 and SSE registers as `fxsave64` leaves them (Intel SDM volume 1, table 10-2).
inline constexpr usize kFxBytes = 512;

struct CoreRegisters {
  ExceptionFrame* frame = nullptr;
  u8* fx = nullptr;
  u8 ymm_high[16 * 16] = {};  // as XSAVE has them
  u64 fs_base = 0, gs_base = 0;
  u16 ds = 0, es = 0, fs = 0, gs = 0;
};

// `bytes` has kRegisters[number].bytes. False for what cannot be changed.
void read_register(const CoreRegisters& core, u32 number, std::span<u8> bytes);
bool write_register(CoreRegisters& core, u32 number, std::span<const u8> bytes);

}  // namespace bf::x86::gdb
