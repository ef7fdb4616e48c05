// Activations to Q8, for one number of columns: what quantize_q8 in src/inference/kernels computes,
// to the bit. A vector is as many blocks of 32 as it has 16-byte pieces: what is one number of a
// block lies in all four lanes of its piece.
#pragma once

#include "microjit/emit/emitted_function.h"

namespace bf::microjit::emit {

// Bytes of a row of so many columns: values, and a scale, a sum and two halves' sums for 32 of them.
constexpr u64 q8_row_bytes(u64 columns) {
  return (columns + columns / 32 * 12 + 63) / 64 * 64;
}

struct QuantizeRegisters {
  x86::Gp out, x;      // the first bytes of both rows
  x86::Gp meta, left;  // scratch
};
// All registers are changed, and vectors. Columns are whole blocks.
void quantize_row(EmittedFunction& f, const QuantizeRegisters& r, u64 columns);

}  // namespace bf::microjit::emit
