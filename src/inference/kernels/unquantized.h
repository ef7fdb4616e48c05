// Packed rows of plain numbers against float activations.
//
// A format gives `Element`: kBytes of a weight and `load(from)`, a column of 16 rows as floats.
#pragma once

#include "inference/kernels/groups.h"

namespace inference {

template <class Element>
struct Unquantized {
  static u64 group_bytes(u64 columns) { return columns * kLanes * Element::kBytes; }
  static u64 activation_bytes(u64 columns) { return round_up(columns, kLanes) * sizeof(float); }

  [[gnu::always_inline]] static F32x16 column(const u8* weights, const u8* x, u64 index) {
    const float activation = load_unaligned<float>(x + index * sizeof(float));
    return Element::load(weights + index * kLanes * Element::kBytes) * splat(activation);
  }

  [[gnu::always_inline]] static F32x16 multiply(const u8* weights, const u8* x, u64 columns) {
    F32x16 sum = {};
    for (u64 i = 0; i < columns; ++i) sum += column(weights, x, i);
    return sum;
  }
};

}  // namespace inference
