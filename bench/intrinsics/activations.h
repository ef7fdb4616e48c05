// Rows of Q8 activations (src/inference/formats.h), of several tokens at once.
#pragma once

#include <cstring>

#include "inference/kernels/kernels.h"

namespace bench {

using namespace inference;

// From the current block on, of the first of the tokens; the others follow at `stride` bytes.
struct Rows {
  const u8* values;
  const u8* scales;
  const u8* sums;
  const u8* halves;
  u64 stride;

  Rows(const u8* row, u64 columns)
      : values(row),
        scales(row + columns),
        sums(scales + columns / kQ8BlockElements * 4),
        halves(sums + columns / kQ8BlockElements * 4),
        stride(q8_row_bytes(columns)) {}

  void skip(u64 blocks) {
    values += blocks * kQ8BlockElements;
    scales += blocks * 4;
    sums += blocks * 4;
    halves += blocks * 4;
  }
  // Four values, as one word.
  i32 four(u64 token, u64 at) const { return word<i32>(values + token * stride + 4 * at); }
  float scale(u64 token, u64 block) const { return word<float>(scales + token * stride + 4 * block); }
  float sum(u64 token, u64 block) const { return word<float>(sums + token * stride + 4 * block); }
  // The sums of both halves, 16 bits each.
  i32 pair(u64 token, u64 block) const { return word<i32>(halves + token * stride + 4 * block); }

 private:
  template <class T>
  static T word(const u8* at) {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
  }
};

}  // namespace bench
