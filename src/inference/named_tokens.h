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
  // "<|end|>" where it only ends a message among others: whatever the file says, no end.
  bool goes_on_behind(u32 token) const { return token == divider_; }

 private:
  void find_divider(const Tokenizer& tokenizer);

  List<Row> rows_;  // of one token the first says its type
  u32 divider_ = ~u32{0};
};

}  // namespace inference
