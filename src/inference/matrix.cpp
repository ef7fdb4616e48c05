#include "inference/matrix.h"

namespace inference {

namespace {

// Groups that a core packs at a time: its scratch memory is that of one.
constexpr u64 kPackGrain = 8;

struct Packing {
  Matrix* matrix;
  bool short_of_memory;  // set by any core, never cleared

  static void run(void* self, u64 first, u64 last) {
    Packing& packing = *static_cast<Packing*>(self);
    Matrix& matrix = *packing.matrix;
    Array<u8> rows;
    if (!rows.allocate(matrix.group_bytes())) {
      __atomic_store_n(&packing.short_of_memory, true, __ATOMIC_RELAXED);
      return;
    }
    for (u64 group = first; group < last; ++group) {
      u8* const at = matrix.data + group * matrix.group_bytes();
      const u64 count = min(matrix.rows - group * kGroupRows, kGroupRows);
      copy_bytes(rows.data(), at, count * matrix.row_bytes());
      if (count == kGroupRows) {
        pack_group(at, rows.data(), *matrix.format, matrix.columns);
      } else {
        __builtin_memset(rows.data() + count * matrix.row_bytes(), 0,
                         (kGroupRows - count) * matrix.row_bytes());
        pack_group(matrix.tail, rows.data(), *matrix.format, matrix.columns);
      }
    }
  }
};

}  // namespace

bool Matrix::pack() {
  Packing packing{this, false};
  bf_parallel_for(0, groups(), kPackGrain, Packing::run, &packing);
  packed = !packing.short_of_memory;
  return packed;
}

void Matrix::row(u64 index, float* out, u8* scratch) const {
  const u8* from = data + index * row_bytes();
  if (packed) {
    const u64 group = index / kGroupRows;
    const bool in_tail = group == rows / kGroupRows;
    unpack_row(scratch, in_tail ? tail : data + group * group_bytes(), *format, columns,
               index % kGroupRows);
    from = scratch;
  }
  format->dequantize(out, from, columns);
}

void Matrix::multiply(u64 first, u64 last, float* out, u64 out_stride, const void* activations,
                      u64 tokens) const {
  const u64 whole = rows / kGroupRows;
  const u64 end = min(last, whole);
  if (first < end)
    format->matmul(out + first * kGroupRows, data + first * group_bytes(), activations, columns,
                   (end - first) * kGroupRows, tokens, out_stride);
  if (last > whole)
    format->matmul(out + whole * kGroupRows, tail, activations, columns, kGroupRows, tokens,
                   out_stride);
}

}  // namespace inference
