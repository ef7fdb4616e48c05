#include "inference/pack.h"

namespace inference {

namespace {

// `count` units of 16 rows, `stride` bytes apart, side by side.
template <class Unit>
void interleave(u8* to, const u8* from, u64 stride, u64 count) {
  for (u64 i = 0; i < count; ++i, from += sizeof(Unit))
    for (u64 row = 0; row < kGroupRows; ++row, to += sizeof(Unit))
      copy_bytes(to, from + row * stride, sizeof(Unit));
}

// Whether the exponents of `count` units are not all ones. A pair of bfloats has two.
template <class Unit, Unit kExponent, Unit kSecond = kExponent>
bool all_finite(const u8* units, u64 count) {
  bool finite = true;
  for (u64 i = 0; i < count; ++i) {
    const Unit unit = load_unaligned<Unit>(units + i * sizeof(Unit));
    finite = finite & ((unit & kExponent) != kExponent) & ((unit & kSecond) != kSecond);
  }
  return finite;
}

bool all_finite(const u8* units, u64 count, Floats floats) {
  switch (floats) {
    case Floats::Half:
      return all_finite<u16, 0x7c00>(units, count);
    case Floats::Single:
      return all_finite<u32, 0x7f800000>(units, count);
    case Floats::BrainPair:
      return all_finite<u32, 0x7f800000, 0x7f80>(units, count);
    default:
      return true;
  }
}

template <class Unit>
u8* pick(u8* to, const u8* from, u64 count) {
  for (u64 i = 0; i < count; ++i, to += sizeof(Unit))
    copy_bytes(to, from + i * kGroupRows * sizeof(Unit), sizeof(Unit));
  return to;
}

void interleave_field(u8* to, const u8* from, u64 stride, Field field) {
  if (field.unit_bytes == 4)
    interleave<u32>(to, from, stride, field.count);
  else if (field.unit_bytes == 2)
    interleave<u16>(to, from, stride, field.count);
  else
    interleave<u8>(to, from, stride, field.count);
}

u8* pick_field(u8* to, const u8* block, u64 row, Field field) {
  const u8* from = block + row * field.unit_bytes;
  if (field.unit_bytes == 4) return pick<u32>(to, from, field.count);
  if (field.unit_bytes == 2) return pick<u16>(to, from, field.count);
  return pick<u8>(to, from, field.count);
}

}  // namespace

bool pack_group(u8* to, const u8* rows, const Format& format, u64 columns) {
  const u64 row_bytes = format.row_bytes(columns);
  const u8* const end = rows + row_bytes;
  bool finite = true;
  while (rows != end)
    for (const Field& field : format.fields) {
      const u64 bytes = field.unit_bytes * field.count;
      interleave_field(to, rows, row_bytes, field);
      finite = finite & all_finite(to, field.count * kGroupRows, field.floats);
      rows += bytes;
      to += bytes * kGroupRows;
    }
  return finite;
}

void unpack_row(u8* to, const u8* group, const Format& format, u64 columns, u64 row) {
  for (u64 column = 0; column < columns; column += format.block_elements)
    for (const Field& field : format.fields) {
      to = pick_field(to, group, row, field);
      group += field.unit_bytes * field.count * kGroupRows;
    }
}

}  // namespace inference
