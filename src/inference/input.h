// Console input, a byte at a time, with what was typed while nobody was reading.
//
//   Input input;
//   i32 byte = input.next();         // kEnd at the end of the input
//   if (input.stop_requested()) ...  // between two tokens of a story
#pragma once

#include "inference/types.h"

namespace inference {

namespace key {
inline constexpr i32 kEnd = -1;
inline constexpr i32 kInterrupt = 0x03;  // Ctrl-C
inline constexpr i32 kEndOfText = 0x04;  // Ctrl-D; also how a serial line says that input ends
inline constexpr i32 kEscape = 0x1b;
}  // namespace key

class Input {
 public:
  // The next byte, waiting for it; key::kEnd for ever once the input has ended.
  i32 next();

  // Whether next() would not wait.
  bool ready() const { return first_ < last_ || (!ended_ && bf_read_ready() != 0); }

  // What has been typed so far is not meant for anybody.
  void forget();

  // Takes in what has been typed without waiting: true if Ctrl-C is in it, or it is a lone Escape
  // (an arrow key is an Escape with more behind it). The rest waits for next().
  bool stop_requested();

 private:
  void fill();

  char bytes_[256];
  u64 first_ = 0;  // next to hand out
  u64 last_ = 0;   // one past the last that was read
  bool ended_ = false;
};

}  // namespace inference
