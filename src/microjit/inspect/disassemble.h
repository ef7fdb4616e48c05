// A version of a function as assembly, with its source lines between the instructions and the share of
// samples beside them. On hosts that have objdump (binutils); asmjit cannot read code.
//
//   Text text;
//   if (auto ok = disassemble(engine.module(), *state.version, sampler.addresses(), text); !ok) ...
//
//   ; matmul@baseline at 7f3a80002000, 1,184 bytes, 812 samples
//   ; kernels/matmul.cpp:41
//    31.2 %     40:  vpdpbusd zmm0, zmm2, zmm1
//              46:  add rdx, 0x40
#pragma once

#include <span>

#include "microjit/function_state.h"
#include "runtime/text.h"

namespace bf::microjit {

// `samples`: addresses from a Sampler, or none: then there are no shares.
Result<void> disassemble(const ir::Module& module, const Version& version,
                         std::span<const u64> samples, Text& text);

}  // namespace bf::microjit
