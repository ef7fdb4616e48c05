// What is in one cell of a screen.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// A character of two cells has two of them, with the same character.
enum class Half : u32 { None = 0, Left = 1, Right = 2 };

// Colours are rows of palette.def.
struct Cell {
  u32 character : 21;
  u32 foreground : 4;
  u32 background : 4;
  u32 half : 2;  // a Half
  u32 underlined : 1;

  bool operator==(const Cell& other) const {
    return __builtin_bit_cast(u32, *this) == __builtin_bit_cast(u32, other);
  }
};
static_assert(sizeof(Cell) == 4);

inline constexpr u32 kForeground = 7, kBackground = 0;  // where nothing else was asked for
inline constexpr u32 kBright = 8;
inline constexpr Cell kBlankCell = {' ', kForeground, kBackground, 0, 0};

}  // namespace bf::x86
