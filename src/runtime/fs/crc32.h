// CRC-32 as GPT and Ethernet have it (reflected polynomial 0xedb88320), a bit at a time: it is used
// on a few kilobytes.
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::fs {

inline u32 crc32(std::span<const u8> bytes, u32 crc = 0) {
  crc = ~crc;
  for (u8 byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc;
}

}  // namespace bf::fs
