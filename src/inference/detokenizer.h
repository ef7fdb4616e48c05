// Tokens back to text, as they come.
//
//   Detokenizer detokenizer(tokenizer, at_start);
//   Text text = detokenizer.put(token);      // valid until the next call
//   Text rest = detokenizer.finish();
//
// Bytes of an unfinished UTF-8 character are held back until the rest of it comes; what cannot be
// one, or is the end, comes as it is. The space that encoding puts in front of a text is not
// printed: with `at_start`, one leading space is dropped.
#pragma once

#include "inference/tokenizer.h"

namespace inference {

class Detokenizer {
 public:
  Detokenizer(const Tokenizer& tokenizer, bool at_start)
      : tokenizer_(tokenizer), drop_space_(at_start && tokenizer.adds_space()) {}

  // The text that `token` completes; may be empty. Control, unused and unknown tokens have none.
  Text put(u32 token);

  // What was held back at the end of the text.
  Text finish();

 private:
  void drop(u64 count);
  u64 complete_bytes() const;

  const Tokenizer& tokenizer_;
  bool drop_space_;
  List<char> bytes_;
  u64 given_ = 0;  // of these, returned by the last put()
};

}  // namespace inference
