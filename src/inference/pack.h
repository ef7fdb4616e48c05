// Packed weights: what the matmul kernels read.
//
// A packed matrix consists of groups of 16 rows. A group is a permutation of the bytes of its rows:
// for each block along the rows, for each field of the format's block (in the file's order or another
// one, formats.def), for each unit of the field, that unit of the 16 rows side by side. So one vector holds the same weights of 16 rows, and a
// lane is a row. A Q4_0 block row is 16 scales of two bytes, then four vectors of 64 bytes; vector
// j holds the bytes 4 j to 4 j + 3 of each row's quants.
//
//   pack_group(packed, rows, format, columns);              // 16 rows of the file
//   unpack_row(row, packed, format, columns, 3);            // the fourth of them again
#pragma once

#include "inference/formats.h"
#include "inference/types.h"

namespace inference {

inline constexpr u64 kGroupRows = 16;

// `to` and `rows` have 16 * format.row_bytes(columns) bytes and do not overlap. False where a float
// among them is infinite or no number, which kernels do not know; it is packed all the same.
bool pack_group(u8* to, const u8* rows, const Format& format, u64 columns);

// Row `row` (0 to 15) of a packed group, as it was in the file.
void unpack_row(u8* to, const u8* group, const Format& format, u64 columns, u64 row);

}  // namespace inference
