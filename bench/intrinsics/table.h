// Who is found by what name, in the file of an instruction set.
#pragma once

#include "attention.h"
#include "intrinsics.h"

namespace bench {

struct Named {
  std::string_view name;
  const void* kernel;
};

template <class F>
Named named(std::string_view name, F* kernel) {
  return {name, reinterpret_cast<const void*>(kernel)};
}

// What is no matrix product.
template <class L>
const void* find_other(std::string_view kernel) {
  static const Named kAll[] = {
      named("rmsnorm", Elementwise<L>::rmsnorm), named("softmax", Elementwise<L>::softmax),
      named("rope", Elementwise<L>::rope),       named("swiglu", Elementwise<L>::swiglu),
      named("add", Elementwise<L>::add),         named("quantize_q8", Quantize<L>::quantize),
      named("attention", Attention<L>::attend),
  };
  for (const Named& n : kAll)
    if (n.name == kernel) return n.kernel;
  return nullptr;
}

// A matrix product by a format's tiles: all tokens meet a group of 16 rows while it is in the cache.
template <class Format>
void multiply(float* out, const u8* weights, const void* activations, u64 columns, u64 rows,
              u64 tokens, u64 out_stride) {
  const u8* const first = static_cast<const u8*>(activations);
  const u64 row_bytes = q8_row_bytes(columns);
  for (u64 row = 0; row < rows; row += 16) {
    u64 t = 0;
    for (; t + Format::kTile <= tokens; t += Format::kTile)
      Format::template tile<Format::kTile>(out + t * out_stride + row, out_stride, weights,
                                           Rows(first + t * row_bytes, columns), columns);
    for (; t < tokens; ++t)
      Format::template tile<1>(out + t * out_stride + row, out_stride, weights,
                               Rows(first + t * row_bytes, columns), columns);
    weights += columns / Format::kColumns * Format::kBytes;
  }
}

}  // namespace bench
