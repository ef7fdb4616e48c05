// UTF-8, byte by byte, to characters. What is not UTF-8 becomes U+FFFD: one for each longest piece
// that could have begun a character (Unicode 15, 3.9, table 3-7 and "maximal subparts").
//
//   Utf8Decoder decoder;
//   for (u8 byte : bytes) decoder.put(byte, [&](u32 character) { ... });
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

inline constexpr u32 kReplacementCharacter = 0xfffd;

class Utf8Decoder {
 public:
  // Calls use(character) for what the byte completes: nothing, a character, or U+FFFD for what
  // came before it and then perhaps one more.
  template <class Use>
  void put(u8 byte, Use&& use) {
    if (missing_ > 0) {
      if (byte >= least_ && byte <= most_) return go_on(byte, use);
      missing_ = 0;
      use(kReplacementCharacter);
    }
    begin(byte, use);
  }

  // Whether it is in the middle of a character.
  bool is_inside() const { return missing_ > 0; }

 private:
  template <class Use>
  void go_on(u8 byte, Use&& use) {
    character_ = character_ << 6 | (byte & 0x3f);
    least_ = 0x80;
    most_ = 0xbf;
    if (--missing_ == 0) use(character_);
  }

  template <class Use>
  void begin(u8 byte, Use&& use) {
    if (byte < 0x80) return use(u32{byte});
    if (byte < 0xc2 || byte > 0xf4) return use(kReplacementCharacter);
    missing_ = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    character_ = byte & (0x3f >> missing_);
    // The second byte is what keeps out longer forms than needed, surrogates, and numbers too large.
    least_ = byte == 0xe0 ? 0xa0 : byte == 0xf0 ? 0x90 : 0x80;
    most_ = byte == 0xed ? 0x9f : byte == 0xf4 ? 0x8f : 0xbf;
  }

  u32 character_ = 0;
  u8 missing_ = 0;
  u8 least_ = 0, most_ = 0;  // of the next byte
};

}  // namespace bf::x86
