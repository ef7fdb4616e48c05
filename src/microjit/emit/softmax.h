// Softmax of one row in memory, as part of attention and as a function.
#pragma once

#include "microjit/emit/emitted_function.h"

namespace bf::microjit::emit {

struct SoftmaxRegisters {
  x86::Gp row, count;  // at least 1
  x86::Gp row_bytes;   // of `count` floats and the padding to a multiple of 16
  x86::Gp at, end;     // are changed, as are all vectors
};
// As softmax in src/inference/kernels.
void softmax_row(EmittedFunction& f, const SoftmaxRegisters& r);
// Of `rows` rows, one behind the other: r.row ends behind the last. `left` counts them.
void softmax_rows(EmittedFunction& f, const SoftmaxRegisters& r, u32 rows, const x86::Gp& left);

}  // namespace bf::microjit::emit
