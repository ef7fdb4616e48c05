// Rows of plain numbers against float activations.
//
// A format gives `Element`: kBytes of a weight and `load(from)`, 16 of them as floats.
#pragma once

#include "inference/kernels/rows.h"

namespace inference {

template <class Element>
struct UnquantizedRows {
  static u64 row_bytes(u64 columns) { return columns * Element::kBytes; }
  static u64 activation_bytes(u64 columns) { return round_up(columns, kLanes) * sizeof(float); }

  // The last columns of a row, with zeroes behind them: reading on would leave the file.
  [[gnu::always_inline]] static F32x16 load_tail(const u8* from, u64 bytes) {
    u8 padded[kLanes * Element::kBytes] = {};
    for (u64 i = 0; i < bytes; ++i) padded[i] = from[i];
    return Element::load(padded);
  }

  [[gnu::always_inline]] static F32x4 four_rows(const u8* weights, u64 stride, const u8* x,
                                                u64 columns) {
    constexpr u64 kStep = kLanes * Element::kBytes;
    const u8* row0 = weights;
    const u8* row1 = row0 + stride;
    const u8* row2 = row1 + stride;
    const u8* row3 = row2 + stride;
    const u8* const end = x + columns / kLanes * kLanes * sizeof(float);
    F32x16 sum0 = {}, sum1 = {}, sum2 = {}, sum3 = {};
    while (x != end) {
      const auto values = load<F32x16>(x);
      sum0 += Element::load(row0) * values;
      sum1 += Element::load(row1) * values;
      sum2 += Element::load(row2) * values;
      sum3 += Element::load(row3) * values;
      row0 += kStep;
      row1 += kStep;
      row2 += kStep;
      row3 += kStep;
      x += sizeof(F32x16);
    }
    if (const u64 rest = columns % kLanes * Element::kBytes; rest != 0) {
      const auto values = load<F32x16>(x);
      sum0 += load_tail(row0, rest) * values;
      sum1 += load_tail(row1, rest) * values;
      sum2 += load_tail(row2, rest) * values;
      sum3 += load_tail(row3, rest) * values;
    }
    return sums(sum0, sum1, sum2, sum3);
  }
};

}  // namespace inference
