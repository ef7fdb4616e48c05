// The little that the program knows of UTF-8.
#pragma once

#include "inference/types.h"

namespace inference {

// How many bytes a character takes that starts with this byte; 1 for bytes that start none.
inline u64 utf8_length(char first) {
  const u8 byte = static_cast<u8>(first);
  if (byte < 0xc0) return 1;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : 4;
}

// Whether this byte goes on with a character that an earlier one started.
inline bool utf8_continues(char byte) {
  return (static_cast<u8>(byte) & 0xc0) == 0x80;
}

}  // namespace inference
