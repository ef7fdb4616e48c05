// The words of a text whose spaces have become U+2581, as SentencePiece wants it: each space that
// follows something else begins one.
//
//   EscapedWords words(text);
//   for (Text word; words.next(word);) use(word);
#pragma once

#include "inference/types.h"
#include "inference/utf8.h"

namespace inference {

inline constexpr Text kEscapedSpace = "\xe2\x96\x81";  // U+2581

class EscapedWords {
 public:
  explicit EscapedWords(Text text) : text_(text) {}

  bool next(Text& word) {
    const u64 start = at_;
    bool in_spaces = true;
    while (at_ < text_.size) {
      // By characters, as the merger splits them: a broken one may swallow the bytes of a space.
      const u64 bytes = min(utf8_length(text_[at_]), text_.size - at_);
      const bool space = Text(text_.data + at_, bytes) == kEscapedSpace;
      if (space && !in_spaces) break;
      in_spaces = space;
      at_ += bytes;
    }
    word = {text_.data + start, at_ - start};
    return !word.empty();
  }

 private:
  Text text_;
  u64 at_ = 0;
};

inline bool is_one_word(Text piece) {
  EscapedWords words(piece);
  Text first, second;
  return !words.next(first) || !words.next(second);
}

}  // namespace inference
