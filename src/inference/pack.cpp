#include "inference/pack.h"

namespace inference {

namespace {

// The units of a field of 16 rows, `row_bytes` apart, side by side.
template <class Unit>
void interleave(u8* to, const u8* from, u64 row_bytes, const Field& field) {
  for (u64 i = 0; i < field.count; ++i, from += sizeof(Unit), to += field.stride() * kGroupRows)
    for (u64 row = 0; row < kGroupRows; ++row)
      copy_bytes(to + row * sizeof(Unit), from + row * row_bytes, sizeof(Unit));
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

// Not inlined, like interleave_field: while a model loads, they are compiled by themselves, and
// small.
[[gnu::noinline]] bool all_finite(const u8* units, u64 count, Floats floats) {
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
u8* pick(u8* to, const u8* from, const Field& field) {
  for (u64 i = 0; i < field.count; ++i, to += sizeof(Unit), from += field.stride() * kGroupRows)
    copy_bytes(to, from, sizeof(Unit));
  return to;
}

[[gnu::noinline]] void interleave_field(u8* to, const u8* from, u64 row_bytes, const Field& field) {
  if (field.unit_bytes == 4)
    interleave<u32>(to, from, row_bytes, field);
  else if (field.unit_bytes == 2)
    interleave<u16>(to, from, row_bytes, field);
  else
    interleave<u8>(to, from, row_bytes, field);
}

u8* pick_field(u8* to, const u8* block, u64 row, const Field& field) {
  const u8* from = block + row * field.unit_bytes;
  if (field.unit_bytes == 4) return pick<u32>(to, from, field);
  if (field.unit_bytes == 2) return pick<u16>(to, from, field);
  return pick<u8>(to, from, field);
}

}  // namespace

bool pack_group(u8* to, const u8* rows, const Format& format, u64 columns) {
  const u64 row_bytes = format.row_bytes(columns);
  const u8* const end = rows + row_bytes;
  bool finite = true;
  for (; rows != end; to += format.block_bytes * kGroupRows) {
    u32 stored = 0;
    for (const Field& field : format.fields) {
      u8* const units = to + field.begin(stored) * kGroupRows;
      interleave_field(units, rows + stored, row_bytes, field);
      if (field.floats != Floats::None)
        finite = finite & all_finite(units, field.count * kGroupRows, field.floats);
      stored += field.bytes();
    }
    rows += stored;
  }
  return finite;
}

void unpack_row(u8* to, const u8* group, const Format& format, u64 columns, u64 row) {
  for (u64 column = 0; column < columns; column += format.block_elements) {
    u32 stored = 0;
    for (const Field& field : format.fields) {
      to = pick_field(to, group + field.begin(stored) * kGroupRows, row, field);
      stored += field.bytes();
    }
    group += format.block_bytes * kGroupRows;
  }
}

}  // namespace inference
