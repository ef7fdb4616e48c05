// Tokens whose names, or whose roles in the metadata, say more than their types (special_names.def).
//
//   NamedTokens named;
//   if (!named.load(file, tokenizer)) ...        // memory is short
//   if (const NamedTokens::Row* row = named.find(token)) row->type ...
#pragma once

#include "inference/gguf.h"
#include "inference/list.h"

namespace inference {

class Tokenizer;
enum class TokenType : u32;

class NamedTokens {
 public:
  struct Row {
    u32 token;
    TokenType type;
    bool ends;  // a generation
  };

  // The tokenizer's pieces and their types must be known.
  [[nodiscard]] bool load(const Gguf& file, const Tokenizer& tokenizer);

  // Null where there is nothing to say about it.
  const Row* find(u32 token) const;
  bool ends(u32 token) const;
  // Looks like an end and is none, whatever the file says.
  bool goes_on_behind(u32 token) const { return token == divider_ || token == text_; }

 private:
  void find_no_ends(const Tokenizer& tokenizer);

  List<Row> rows_;  // of one token the first says its type
  u32 divider_ = ~u32{0};  // "<|end|>", where it ends a message among others
  u32 text_ = ~u32{0};     // "</s>", where it is text
};

}  // namespace inference
