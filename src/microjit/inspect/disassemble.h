// A version of a function as assembly, with its source lines between the instructions and the share
// of samples beside them. On hosts that have objdump (binutils); asmjit cannot read code.
//
//   Text text;
//   if (auto ok = disassemble(engine.module(), *state.version, {}, text); !ok) ...
//
//   ; matmul@baseline at 7f3a80002000, 1,184 bytes, 812 samples, 2,140,000,000 cycles
//   ; kernels/matmul.cpp:41
//    31.2 %    667,680,000      40:  vpdpbusd zmm0, zmm2, zmm1
//                               46:  add rdx, 0x40
#pragma once

#include <span>

#include "microjit/function_state.h"
#include "runtime/text.h"

namespace bf::microjit {

// From a Sampler, or none: then nothing stands beside the instructions. Cycles are those of the
// time-stamp counter that all cores spent there.
struct Samples {
  std::span<const u64> addresses;
  u64 ticks_each = 0;
};

Result<void> disassemble(const ir::Module& module, const Version& version, const Samples& samples,
                         Text& text);
// Of a copy of the code, where the version itself may be gone.
Result<void> disassemble(const ir::Module& module, const Version& version, std::span<const u8> code,
                         const Samples& samples, Text& text);

}  // namespace bf::microjit
