#include "inference/pack.h"

namespace inference {

namespace {

// `count` units of 16 rows, `stride` bytes apart, side by side; the end of what was written.
template <class Unit>
u8* interleave(u8* to, const u8* from, u64 stride, u64 count) {
  for (u64 i = 0; i < count; ++i, from += sizeof(Unit))
    for (u64 row = 0; row < kGroupRows; ++row, to += sizeof(Unit))
      copy_bytes(to, from + row * stride, sizeof(Unit));
  return to;
}

template <class Unit>
u8* pick(u8* to, const u8* from, u64 count) {
  for (u64 i = 0; i < count; ++i, to += sizeof(Unit))
    copy_bytes(to, from + i * kGroupRows * sizeof(Unit), sizeof(Unit));
  return to;
}

u8* interleave_field(u8* to, const u8* from, u64 stride, Field field) {
  if (field.unit_bytes == 4) return interleave<u32>(to, from, stride, field.count);
  if (field.unit_bytes == 2) return interleave<u16>(to, from, stride, field.count);
  return interleave<u8>(to, from, stride, field.count);
}

u8* pick_field(u8* to, const u8* block, u64 row, Field field) {
  const u8* from = block + row * field.unit_bytes;
  if (field.unit_bytes == 4) return pick<u32>(to, from, field.count);
  if (field.unit_bytes == 2) return pick<u16>(to, from, field.count);
  return pick<u8>(to, from, field.count);
}

}  // namespace

void pack_group(u8* to, const u8* rows, const Format& format, u64 columns) {
  const u64 row_bytes = format.row_bytes(columns);
  const u8* const end = rows + row_bytes;
  while (rows != end)
    for (const Field& field : format.fields) {
      to = interleave_field(to, rows, row_bytes, field);
      rows += field.unit_bytes * field.count;
    }
}

void unpack_row(u8* to, const u8* group, const Format& format, u64 columns, u64 row) {
  for (u64 column = 0; column < columns; column += format.block_elements)
    for (const Field& field : format.fields) {
      to = pick_field(to, group, row, field);
      group += field.unit_bytes * field.count * kGroupRows;
    }
}

}  // namespace inference
