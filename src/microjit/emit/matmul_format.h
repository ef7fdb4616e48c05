// What the matmul emitter has to know of each weight format: how the weights of 32 columns come out
// of a packed block, and what scales them. One row each in matmul_formats.cpp.
#pragma once

#include <span>

#include "microjit/emit/simd.h"

namespace bf::microjit::emit {

class QuantizedMatmul;

// Scratch vector of formats whose minima are SubtractedByPart: what scales them all.
inline constexpr u32 kCommonMinimum = 0;

// Halves of a block that scale all of it: how many there may be, and the mark behind the last one.
inline constexpr u32 kMostHalves = 2, kNoHalves = ~0u;

// A *section* is 32 columns, which share an activation scale; a *part* of one shares a weight scale
// too: all of it, or half. A *unit* is a vector with four columns of each row.
struct MatmulFormat {
  const char* name;    // of the function
  u32 block_elements;  // columns of a block
  u32 block_bytes;     // of one row of it
  u32 largest;         // of the weights, which are unsigned; 0: they are signed bytes
  u32 offset;          // what unsigned weights have had added to them
  u32 part_columns;    // 32 or 16
  bool nibbles_apart;  // the second unit of a pair is 16 columns on, not 4
  enum Minimum : u8 { None, Added, Subtracted, SubtractedByPart } minimum;
  u32 scratch_vectors;  // that open_block fills
  u32 group;            // sections that share units of a block
  u32 halves[kMostHalves];  // where they are: offsets in a block

  void (*set_up)(QuantizedMatmul& k);      // loads constants
  void (*open_block)(QuantizedMatmul& k);  // prepares the scales of a block of 256; may be null
  // The weights of units 2 * pair and 2 * pair + 1 of a section.
  void (*weights)(QuantizedMatmul& k, u32 section, u32 pair, u32 part_row, V first, V second);
  void (*scale)(QuantizedMatmul& k, u32 section, u32 part, u32 part_row, V to);
  void (*minimum_scale)(QuantizedMatmul& k, u32 section, u32 part_row, V to);  // where there is one
  // Whether a section's weights are easier to have 16 times as large. May be null.
  bool (*times_16)(u32 section);

  u32 sections() const { return block_elements / 32; }
  u32 parts() const { return 32 / part_columns; }
};

// All of them.
std::span<const MatmulFormat> matmul_formats();

}  // namespace bf::microjit::emit
