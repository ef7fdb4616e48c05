// The alphabet of byte-level vocabularies (GPT-2): each byte is a visible character. Printable
// Latin-1 stands for itself; the other 68 bytes are, in order, U+0100 and on: a space is "Ġ".
#pragma once

#include "inference/types.h"

namespace inference {

constexpr bool byte_stands_for_itself(u32 byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) ||
         (byte >= 0xae && byte <= 0xff);
}

struct ByteAlphabet {
  static constexpr u32 kFirst = 0x100, kCount = 68;

  u16 letters[256];   // of each byte
  u8 others[kCount];  // the byte of U+0100 and on

  constexpr ByteAlphabet() : letters{}, others{} {
    u32 next = 0;
    for (u32 byte = 0; byte < 256; ++byte) {
      if (!byte_stands_for_itself(byte)) others[next++] = static_cast<u8>(byte);
      letters[byte] = static_cast<u16>(byte_stands_for_itself(byte) ? byte : kFirst + next - 1);
    }
  }

  // The byte of a letter, or -1.
  constexpr i32 byte(u32 letter) const {
    if (letter >= kFirst && letter < kFirst + kCount) return others[letter - kFirst];
    return letter < kFirst && byte_stands_for_itself(letter) ? static_cast<i32>(letter) : -1;
  }
};

inline constexpr ByteAlphabet kByteAlphabet;

}  // namespace inference
