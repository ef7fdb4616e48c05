// What the matmul kernels share: the loops over groups of 16 rows, and over tokens.
//
// A format gives `Weights::multiply(group, activations, columns)`, the products of a group's rows
// with one token's activations, and `Weights::activation_bytes(columns)`.
#pragma once

#include "inference/vector.h"

namespace inference {

template <class Weights>
[[gnu::always_inline]] inline void multiply_groups(float* out, const u8* weights,
                                                   const void* activations, u64 columns, u64 rows,
                                                   u64 tokens, u64 out_stride) {
  const u64 activation_bytes = Weights::activation_bytes(columns);
  const u64 group_bytes = Weights::group_bytes(columns);
  for (u64 row = 0; row < rows; row += kLanes) {
    const u8* x = static_cast<const u8*>(activations);
    for (u64 token = 0; token < tokens; ++token) {
      store(out + token * out_stride + row, Weights::multiply(weights, x, columns));
      x += activation_bytes;
    }
    weights += group_bytes;
  }
}

}  // namespace inference
