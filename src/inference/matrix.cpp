#include "inference/matrix.h"

#include "inference/parallel.h"

namespace inference {

namespace {

// Groups that a core packs at a time: its scratch memory is that of one.
constexpr u64 kPackGrain = 8;

struct Packing {
  const Matrix& matrix;
  bool in_place;  // or only looked at
  // Set by any core, never cleared.
  bool short_of_memory = false;
  bool not_finite = false;

  void operator()(u64 first, u64 last) {
    Array<u8> rows;
    if (!rows.allocate((in_place ? 1 : 2) * matrix.group_bytes())) return set(short_of_memory);
    for (u64 group = first; group < last; ++group)
      if (!pack(group, rows.data())) set(not_finite);
  }

 private:
  static void set(bool& flag) { __atomic_store_n(&flag, true, __ATOMIC_RELAXED); }

  // `rows` is scratch: a group's, and what it is packed to where it is not kept.
  bool pack(u64 group, u8* rows) {
    u8* const at = matrix.data + group * matrix.group_bytes();
    const u64 bytes = min(matrix.rows - group * kGroupRows, kGroupRows) * matrix.row_bytes();
    copy_bytes(rows, at, bytes);
    __builtin_memset(rows + bytes, 0, matrix.group_bytes() - bytes);
    const bool whole = bytes == matrix.group_bytes();
    u8* const to = !in_place ? rows + matrix.group_bytes() : whole ? at : matrix.tail;
    return pack_group(to, rows, *matrix.format, matrix.columns);
  }
};

}  // namespace

Matrix::Packed Matrix::pack_all(bool in_place) const {
  Packing packing{*this, in_place};
  bf_parallel_for(0, groups(), kPackGrain, run_range<Packing>, &packing);
  if (packing.short_of_memory) return Packed::MemoryIsShort;
  return packing.not_finite ? Packed::NotFinite : Packed::Done;
}

Matrix::Packed Matrix::pack() {
  const Packed result = pack_all(true);
  packed = result != Packed::MemoryIsShort;
  return result;
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
