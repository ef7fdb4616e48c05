// The tokenizers of Llama files, as llama.cpp applies them: SentencePiece, or byte-level pairs.
//
//   Tokenizer tokenizer;
//   if (!tokenizer.load(gguf, vocabulary, error)) ...
//   List<u32> tokens;
//   if (!tokenizer.encode(text, {.begin = true}, tokens)) ...   // memory is short
//   tokenizer.piece(token)                                      // see detokenizer.h for text
//
// Encoding: special tokens are cut out first (special_tokens.h).
//
// SentencePiece: what is between them gets a space in front (unless the file says otherwise),
// spaces become U+2581, and neighbouring pieces are merged, best score first. What is no piece then
// falls back to byte tokens.
//
// Byte pairs: what is between them becomes whole UTF-8 and falls into words (split_words.h). Bytes
// become letters (byte_alphabet.h), and neighbours are merged, lowest rank first.
#pragma once

#include "inference/gguf.h"
#include "inference/list.h"
#include "inference/merge_ranks.h"
#include "inference/message.h"
#include "inference/name_table.h"
#include "inference/named_tokens.h"
#include "inference/string_list.h"
#include "inference/special_tokens.h"
#include "inference/split_words.h"
#include "inference/types.h"

namespace inference {

// tokenizer.ggml.token_type
enum class TokenType : u32 {
  Normal = 1,
  Unknown = 2,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6,
};

// How a text is to be encoded.
struct Encode {
  bool begin = false;             // after the beginning-of-sequence token, where the file wants one
  bool end = false;               // and likewise before the end-of-sequence token
  bool special = false;           // control tokens are looked for in the text; else they are text
  const bool* written = nullptr;  // of each byte: whether it is text in any case
};

class Tokenizer {
 public:
  static constexpr u32 kNone = NameTable::kNone;
  static constexpr u64 kAnySize = 0;

  // `vocabulary` is how many rows the embedding has; the pieces must be as many. kAnySize for a
  // vocabulary without a model.
  [[nodiscard]] bool load(const Gguf& file, u64 vocabulary, Error& error);

  // Adds the ids of `text` to `tokens`. False where memory is short.
  [[nodiscard]] bool encode(Text text, Encode how, List<u32>& tokens) const;

  u64 size() const { return pieces_.size(); }
  // The token of a piece, or kNone.
  u32 find(Text piece) const {
    return index_.find(index_.hash(piece), [&](u32 other) { return pieces_[other] == piece; });
  }
  float score(u32 token) const {
    return scores_ == nullptr ? 0.0f : load_unaligned<float>(scores_ + 4 * u64{token});
  }
  Text piece(u32 token) const { return pieces_[token]; }
  TokenType type(u32 token) const;
  // The byte that a token of type Byte stands for.
  u8 byte(u32 token) const;

  // Whether spaces behind a token of special_tokens.h are dropped: so it is in Phi-3's files.
  bool strips_spaces_behind(u32 token) const;

  // Whether two texts, one behind the other in memory, may be merged, and how gladly.
  bool score_pair(Text left, Text right, float& score) const;

  // What a text without tokens begins with.
  u32 begin_token() const;
  // What the file says that a text ends with, or kNone.
  u32 end_token() const { return end_; }
  // Whether generation ends with this token.
  bool ends_sequence(u32 token) const;
  // Whether encode() puts a space in front of the text, which decoding then takes away.
  bool adds_space() const { return add_space_; }
  // Whether pieces are written in the byte alphabet.
  bool byte_level() const { return byte_level_; }

 private:
  struct Encoding;

  bool load_kind(const Gguf& file, Error& error);
  bool load_pieces(const Gguf& file, u64 vocabulary, Error& error);
  bool load_scores(const Gguf& file, Error& error);
  bool load_merges(const Gguf& file, Error& error);
  bool load_types(const Gguf& file, Error& error);
  bool load_special(const Gguf& file, Error& error);
  u32 special_token(const Gguf& file, Text key, u32 fallback) const;
  bool index_pieces(Error& error);
  bool encode_sentence(Text text, Encoding& encoding) const;
  bool encode_words(Text escaped, Encoding& encoding) const;
  bool encode_word(Text word, Encoding& encoding) const;
  bool encode_byte_level(Text text, Encoding& encoding) const;
  bool encode_byte_word(Text word, Encoding& encoding) const;
  bool add_symbols(Encoding& encoding) const;
  bool encode_bytes(Text symbol, Encoding& encoding) const;

  StringList pieces_;
  bool byte_level_ = false;
  WordRules word_rules_ = WordRules::Default;
  bool whole_words_ = false;
  MergeRanks merges_;           // of a byte-level vocabulary
  const u8* scores_ = nullptr;  // of any other: f32, unaligned, in the file
  const u8* types_ = nullptr;   // u32 or i32, likewise; null where the file has none
  NameTable index_;
  SpecialTokens special_;
  u32 byte_tokens_[256];
  u32 begin_ = kNone;
  u32 end_ = kNone;
  u32 end_of_turn_ = kNone;
  u32 end_of_message_ = kNone;
  bool begin_ends_ = false;
  NamedTokens named_;
  u32 unknown_ = kNone;
  bool add_begin_ = true;
  bool add_end_ = false;
  bool strips_spaces_ = false;
  bool add_space_ = true;
  bool words_are_apart_ = true;  // no piece goes on with a space behind anything but a space
};

}  // namespace inference
