// Writing the fields of a block.
#pragma once

#include <cstring>

#include "runtime/base.h"

namespace bf::gguf {

// Appends bytes to a block.
class BlockWriter {
 public:
  explicit BlockWriter(u8* at) : at_(at) {}

  template <class T>
  void put(T value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }

  // Low four bits of two neighbouring stretches of `half` levels in one stretch of bytes.
  void put_nibbles(const u8* levels, u32 half) {
    for (u32 i = 0; i < half; ++i)
      *at_++ = static_cast<u8>((levels[i] & 15) | (levels[half + i] & 15) << 4);
  }

  // Low two bits of four neighbouring stretches of 32 levels.
  void put_pairs(const u8* levels) {
    for (u32 i = 0; i < 32; ++i) {
      u32 byte = 0;
      for (u32 j = 0; j < 4; ++j) byte |= (levels[32 * j + i] & 3u) << (2 * j);
      *at_++ = static_cast<u8>(byte);
    }
  }

 private:
  u8* at_;
};

}  // namespace bf::gguf
