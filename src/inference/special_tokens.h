// Tokens that are looked for in a text before anything else: user-defined ones ("<think>") and, if
// it is asked for, control tokens ("<s>", "<|eot_id|>").
//
//   SpecialTokens special;
//   if (!special.build(tokenizer)) ...
//   Array<u32> owners;
//   if (!special.cut(text, {.special = true}, owners)) ...    // memory is short
//   owners[i]                // the token that byte i belongs to, kDropped, or kNone
//
// Which of them count where they overlap is as in llama.cpp: the longest first, of those of one
// length the lowest number, of one token's places the leftmost. (Of those of one length it is so there
// while a file has sixteen special tokens at most: its sort keeps no order of more.)
#pragma once

#include "inference/list.h"
#include "inference/types.h"

namespace inference {

class Tokenizer;
struct Encode;

class SpecialTokens {
 public:
  // The owner of spaces that a token takes with it (Tokenizer::strips_spaces_behind).
  static constexpr u32 kDropped = ~u32{1};

  // Of all pieces of the tokenizer, which must stay; false where memory is short.
  [[nodiscard]] bool build(const Tokenizer& tokenizer);

  // `owners` has no element where nothing was found, else one for each byte of the text.
  [[nodiscard]] bool cut(Text text, const Encode& how, Array<u32>& owners) const;

 private:
  struct Match {
    u32 token;
    u32 at;
  };
  bool find(Text text, const Encode& how, List<Match>& matches) const;
  bool find_at(Text text, u64 at, const Encode& how, List<Match>& matches) const;
  u64 first_from(u64 first, u64 end, u64 depth, u32 byte) const;

  const Tokenizer* tokenizer_ = nullptr;
  List<u32> tokens_;  // in the order of their texts' bytes
  u64 first_[257];    // [b]: the first in tokens_ whose text starts with b or a later byte
};

}  // namespace inference
