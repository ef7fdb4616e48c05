// Blocks of random bytes that are weights all the same.
#pragma once

#include <cstdint>
#include <cstring>

#include "inference/formats.h"

namespace test {

// Gives a block of random bytes numbers of a normal distribution where its format has floats:
// random bits would be infinities and NaNs, or drown everything else.
template <class Normal>
void sensible_scales(const inference::Format& format, uint8_t* block, Normal normal) {
  // F32; or BF16, whose pairs are the upper halves of floats.
  if (format.block_bytes == 4 && format.block_elements <= 2) {
    for (uint32_t i = 0; i < format.block_elements; ++i) {
      const float single = normal();
      const size_t size = sizeof single / format.block_elements;
      std::memcpy(block + i * size, reinterpret_cast<const char*>(&single) + 4 - size, size);
    }
    return;
  }
  uint64_t at = 0;
  for (const inference::Field& field : format.fields) {
    // Units of two bytes that stand alone are half-precision scales and minima.
    for (int i = 0; field.unit_bytes == 2 && i < field.count; ++i) {
      const _Float16 half = static_cast<_Float16>(normal() / 16);
      std::memcpy(block + at + 2 * i, &half, sizeof half);
    }
    at += field.unit_bytes * field.count;
  }
}

}  // namespace test
