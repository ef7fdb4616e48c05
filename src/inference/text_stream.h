// Tokens to the text stream, up to a stop string.
//
//   TextStream stream(tokenizer, at_start, stops, transcript);
//   if (stream.put(token)) ...       // a stop string is whole: neither it nor more is printed
//   stream.finish();
//
// What may yet become a stop string is held back.
#pragma once

#include "inference/detokenizer.h"
#include "inference/list.h"
#include "inference/transcript.h"

namespace inference {

class TextStream {
 public:
  // `stops`: texts, each with a zero byte behind it; they must stay. `transcript`, where there is one,
  // gets what is printed, too.
  TextStream(const Tokenizer& tokenizer, bool at_start, Text stops, Transcript* transcript = nullptr)
      : detokenizer_(tokenizer, at_start), stops_(stops), transcript_(transcript) {}

  bool put(u32 token) { return add(detokenizer_.put(token)); }
  // Prints what was held back, but for what is behind a stop string.
  void finish();

  // The stop string that was found; else empty.
  Text stop() const { return stop_; }

 private:
  bool add(Text text);
  void print(u64 count);
  template <class Use>
  void each_stop(Use use) const;

  Detokenizer detokenizer_;
  Text stops_;
  Transcript* transcript_;
  List<char> held_;
  Text stop_;
};

}  // namespace inference
