// Where the parts of a row of Q8 activations lie (formats.h): of block i of 32 columns, from where it
// has been moved on to, values[32 i], scales[i], sums[i], halves[2 i]. `Byte` is u8 or const u8.
#pragma once

#include "inference/kernels/kernels.h"

namespace inference {

template <class Byte>
struct Q8Places {
  Byte* values;
  Byte* scales;
  Byte* sums;
  Byte* halves;

  [[gnu::always_inline]] Q8Places(Byte* row, u64 columns)
      : values(row),
        scales(row + columns),
        sums(scales + columns / kQ8BlockElements * sizeof(float)),
        halves(sums + columns / kQ8BlockElements * sizeof(float)) {}

  [[gnu::always_inline]] void skip(u64 blocks) {
    values += blocks * kQ8BlockElements;
    scales += blocks * sizeof(float);
    sums += blocks * sizeof(float);
    halves += blocks * 2 * sizeof(i16);
  }
};

}  // namespace inference
