// What the matmul kernels share: four rows of weights at a time meet each token's activations.
//
// A format gives the loop over one token as `Format::four_rows(weights, stride, activations,
// columns)`: the products of the rows at weights, weights + stride, ... with one row of
// activations. Four rows share every load of an activation and the reduction at the end.
#pragma once

#include "inference/vector.h"

namespace inference {

template <class Format>
[[gnu::always_inline]] inline void multiply_rows(float* out, const u8* weights,
                                                 const u8* activations, u64 columns, u64 rows,
                                                 u64 tokens, u64 out_stride) {
  const u64 row_bytes = Format::row_bytes(columns);
  const u64 activation_bytes = Format::activation_bytes(columns);
  for (u64 row = 0; row < rows;) {
    // The last one to three rows go one by one: a stride of 0 computes the same row four times.
    const bool whole = rows - row >= 4;
    const u64 stride = whole ? row_bytes : 0;
    const u8* x = activations;
    for (u64 token = 0; token < tokens; ++token) {
      const F32x4 products = Format::four_rows(weights, stride, x, columns);
      float* to = out + token * out_stride + row;
      if (whole)
        store(to, products);
      else
        *to = products[0];
      x += activation_bytes;
    }
    const u64 step = whole ? 4 : 1;
    row += step;
    weights += step * row_bytes;
  }
}

}  // namespace inference
