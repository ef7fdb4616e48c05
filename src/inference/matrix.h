// A matrix of weights, in one of the formats of formats.def.
//
//   Matrix matrix{data, format, rows, columns};            // as it lies in the file
//   if (matrix.pack() != Matrix::Packed::Done) ...          // for products, in place
//   matrix.multiply(first, last, out, out_stride, activations, tokens);
//
// A packed matrix is groups of 16 rows (pack.h). Rows that do not fill a group are packed with rows
// of zeroes behind them, into memory of their own, the tail.
#pragma once

#include "inference/formats.h"
#include "inference/pack.h"
#include "inference/types.h"

namespace inference {

// (rows, columns), rows one after the other or, once packed, group after group.
struct Matrix {
  u8* data = nullptr;
  const Format* format = nullptr;
  u64 rows = 0;
  u64 columns = 0;
  u8* tail = nullptr;  // group_bytes(), where rows % 16 != 0; all zeroes until packed
  bool packed = false;
  Text name = {};  // in the file

  u64 row_bytes() const { return format->row_bytes(columns); }
  u64 bytes() const { return rows * row_bytes(); }
  u64 group_bytes() const { return kGroupRows * row_bytes(); }
  u64 groups() const { return (rows + kGroupRows - 1) / kGroupRows; }
  u64 tail_bytes() const { return rows % kGroupRows == 0 ? 0 : group_bytes(); }

  // Packs all rows, in place but for the tail, on all cores. If it is not done, the matrix is good
  // for nothing.
  enum class Packed { Done, MemoryIsShort, NotFinite };  // NotFinite: a weight is infinite or a NaN
  [[nodiscard]] Packed pack();
  // What pack() would say of a matrix that stays as it is.
  [[nodiscard]] Packed check() const { return pack_all(false); }

  // Row `index` as floats, packed or not. `scratch` has row_bytes().
  void row(u64 index, float* out, u8* scratch) const;

  // For groups [first, last) of 16 rows: MatmulKernel's result, `out` being that of row 0. Writes
  // whole groups, so `out` has room for round_up(rows, 16) per token. Must be packed.
  void multiply(u64 first, u64 last, float* out, u64 out_stride, const void* activations,
                u64 tokens) const;

 private:
  Packed pack_all(bool in_place) const;
};

}  // namespace inference
