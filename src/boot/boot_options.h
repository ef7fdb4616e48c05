// The options of this run, put together from where they can come from.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::boot {

// A text of options under construction; fixed in size, since there is no heap yet.
class OptionsText {
 public:
  // The words of a command line, one line each; words without '=' are not options,
  // but for NO_COLOR.
  void add_words(std::string_view command_line);
  // Lines as they are.
  void add_lines(std::string_view text);
  // Room for `bytes` to be written by the caller, as lines; null if there is not so much.
  char* add_room(usize bytes);
  // The most that add_room can give.
  usize room() const { return sizeof text_ - bytes_ - 1; }

  bool overflowed() const { return overflowed_; }
  std::string_view view() const { return {text_, bytes_}; }
  static constexpr usize capacity() { return sizeof(text_); }

 private:
  char text_[128 * 1024];  // a grammar may be as long as that
  usize bytes_ = 0;
  bool overflowed_ = false;
};

}  // namespace bf::boot
