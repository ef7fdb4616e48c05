// What has been said, as a text to be kept: the end of it, where it grows too long.
//
//   Transcript transcript;
//   if (!transcript.prepare()) ...      // memory is short: nothing is kept
//   transcript.add("> Hello\n");
#pragma once

#include "inference/types.h"

namespace inference {

class Transcript {
 public:
  static constexpr u64 kMostBytes = 256 << 10;

  // All its memory at once, so that a conversation of days takes no more than one of minutes.
  [[nodiscard]] bool prepare() { return bytes_.size() != 0 || bytes_.allocate(kMostBytes); }
  void add(Text text);
  void clear() { size_ = 0; }
  Text text() const { return {bytes_.data(), size_}; }

 private:
  void make_room(u64 bytes);

  Array<char> bytes_;
  u64 size_ = 0;
};

}  // namespace inference
