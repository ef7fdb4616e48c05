#include "inference/tokenizer.h"

#include "inference/escaped_words.h"

namespace inference {

namespace {

constexpr Text kAdvice = "the file is damaged, or not a whole model";
constexpr Text kNoMemory = "model: not enough memory for its vocabulary: give the machine more";

// "<0x0A>" to 10; -1 where the text is something else.
i32 parse_byte_piece(Text piece) {
  if (piece.size != 6 || !starts_with(piece, "<0x") || piece[5] != '>') return -1;
  i32 value = 0;
  for (u64 i = 3; i < 5; ++i) {
    const char c = piece[i];
    if (c >= '0' && c <= '9')
      value = value * 16 + (c - '0');
    else if (c >= 'A' && c <= 'F')
      value = value * 16 + (c - 'A' + 10);
    else
      return -1;
  }
  return value;
}

// "Phi-3 mini", "phi3"
bool names_phi3(Text name) {
  const auto letter = [&](u64 at) { return at < name.size ? name[at] | 0x20 : 0; };
  for (u64 at = 0; at < name.size; ++at)
    if (letter(at) == 'p' && letter(at + 1) == 'h' && letter(at + 2) == 'i' &&
        letter(letter(at + 3) == '-' ? at + 4 : at + 3) == '3')
      return true;
  return false;
}

}  // namespace

TokenType Tokenizer::type(u32 token) const {
  if (const NamedTokens::Row* row = named_.find(token)) return row->type;
  if (types_ != nullptr)
    return static_cast<TokenType>(load_unaligned<u32>(types_ + 4 * u64{token}));
  // A file without types: what the pieces look like has to do.
  if (token == begin_ || token == end_ || token == unknown_) return TokenType::Control;
  return parse_byte_piece(pieces_[token]) >= 0 ? TokenType::Byte : TokenType::Normal;
}

u8 Tokenizer::byte(u32 token) const {
  const i32 value = parse_byte_piece(pieces_[token]);
  return value < 0 ? '?' : static_cast<u8>(value);
}

bool Tokenizer::ends_sequence(u32 token) const {
  if (named_.goes_on_behind(token)) return false;
  if (token == end_ || token == end_of_turn_ || token == end_of_message_) return true;
  return (token == begin_ && begin_ends_) || named_.ends(token);
}

bool Tokenizer::strips_spaces_behind(u32 token) const {
  if (!strips_spaces_) return false;
  const Text name = piece(token);
  return !(name == Text("<unk>") || name == Text("<s>") || name == Text("<|endoftext|>"));
}

bool Tokenizer::load(const Gguf& file, u64 vocabulary, Error& error) {
  if (!load_kind(file, error) || !load_pieces(file, vocabulary, error) ||
      !load_types(file, error) || !index_pieces(error) || !load_special(file, error))
    return false;
  if (!(byte_level_ ? load_merges(file, error) : load_scores(file, error))) return false;
  if (!special_.build(*this)) error << kNoMemory;
  return error.empty();
}

bool Tokenizer::load_kind(const Gguf& file, Error& error) {
  Text kind;
  if (!file.find_text("tokenizer.ggml.model", kind)) {
    error << "model: it has no tokenizer (metadata tokenizer.ggml.model): " << kAdvice;
    return false;
  }
  byte_level_ = kind == Text("gpt2");
  if (!byte_level_ && !(kind == Text("llama"))) {
    error << "model: tokenizer " << Quoted(kind)
          << " is not supported: give a model with a SentencePiece ('llama') or byte-pair ('gpt2') "
             "tokenizer";
    return false;
  }
  Text rules;
  file.find_text("tokenizer.ggml.pre", rules);
  if (rules.empty()) rules = "default";
  if (!byte_level_ || find_word_rules(rules, word_rules_, whole_words_)) return true;
  error << "model: pre-tokenizer " << Quoted(rules)
        << " is not supported: use a model with one of ";
  list_word_rules(error);
  return false;
}

bool Tokenizer::load_pieces(const Gguf& file, u64 vocabulary, Error& error) {
  GgufArray pieces;
  if (!file.find_array("tokenizer.ggml.tokens", pieces) || pieces.type != GgufType::String ||
      pieces.count == 0) {
    error << "model: its tokenizer has no pieces (metadata tokenizer.ggml.tokens): " << kAdvice;
    return false;
  }
  if (vocabulary != kAnySize && pieces.count != vocabulary) {
    error << "model: " << pieces.count << " tokenizer pieces for an embedding of " << vocabulary
          << " rows: " << kAdvice;
    return false;
  }
  if (!pieces_.build(pieces)) error << kNoMemory;
  return error.empty();
}

bool Tokenizer::load_scores(const Gguf& file, Error& error) {
  GgufArray scores;
  if (!file.has("tokenizer.ggml.scores")) return true;  // then all pieces have the same
  if (!file.find_array("tokenizer.ggml.scores", scores) || scores.type != GgufType::F32 ||
      scores.count < pieces_.size()) {
    error << "model: its tokenizer has no score for each piece (metadata tokenizer.ggml.scores): "
          << kAdvice;
    return false;
  }
  scores_ = scores.data;
  return true;
}

bool Tokenizer::load_merges(const Gguf& file, Error& error) {
  // Ranks are compared as floats, which count so far.
  constexpr u64 kMostMerges = 1 << 24;
  GgufArray merges;
  if (!file.find_array("tokenizer.ggml.merges", merges) || merges.type != GgufType::String ||
      merges.count > kMostMerges) {
    error << "model: its tokenizer has no merges (metadata tokenizer.ggml.merges): " << kAdvice;
    return false;
  }
  if (!merges_.build(merges)) error << kNoMemory;
  return error.empty();
}

bool Tokenizer::load_types(const Gguf& file, Error& error) {
  GgufArray types;
  if (!file.find_array("tokenizer.ggml.token_type", types)) return true;
  const bool is_words = types.type == GgufType::I32 || types.type == GgufType::U32;
  if (!is_words || types.count != pieces_.size()) {
    error << "model: its tokenizer has no type for each piece (metadata "
             "tokenizer.ggml.token_type): "
          << kAdvice;
    return false;
  }
  types_ = types.data;
  return true;
}

bool Tokenizer::index_pieces(Error& error) {
  for (u32& token : byte_tokens_) token = kNone;
  if (!index_.allocate(pieces_.size())) {
    error << kNoMemory;
    return false;
  }
  for (u32 i = 0; i < pieces_.size(); ++i) {
    const Text piece = pieces_[i];
    // Of pieces that are there twice, the last one counts, as in llama.cpp.
    if (index_.insert(index_.hash(piece), i, [&](u32 other) { return pieces_[other] == piece; }) ==
        NameTable::kFull) {
      error << "model: too many tokenizer pieces alike, at " << i << ": " << kAdvice;
      return false;
    }
    if (const i32 value = parse_byte_piece(piece); value >= 0) byte_tokens_[value] = i;
    words_are_apart_ = words_are_apart_ && is_one_word(piece);
  }
  return true;
}

u32 Tokenizer::special_token(const Gguf& file, Text key, u32 fallback) const {
  u64 value = fallback;
  const bool is_there = file.find_integer(key, value);
  if (value < pieces_.size()) return static_cast<u32>(value);
  const u32 usual = fallback < pieces_.size() ? fallback : kNone;
  if (!is_there) return usual;
  // Some converters write so where there is none.
  Message line;
  line << "model: metadata " << key << " is " << value << ", but there are " << pieces_.size() << " pieces: ";
  if (usual == kNone) line << "none is taken\n";
  else line << usual << " is taken\n";
  line.write(BF_STREAM_LOG);
  return usual;
}

bool Tokenizer::load_special(const Gguf& file, Error& error) {
  // Where a file says nothing, the numbers that llama.cpp takes: SentencePiece's own, and GPT-2's.
  const auto number = [&](Text key, u32 sentence, u32 pairs) {
    return special_token(file, key, byte_level_ ? pairs : sentence);
  };
  begin_ = number("tokenizer.ggml.bos_token_id", 1, 11);
  end_ = number("tokenizer.ggml.eos_token_id", 2, 11);
  end_of_turn_ = number("tokenizer.ggml.eot_token_id", kNone, kNone);
  end_of_message_ = number("tokenizer.ggml.eom_token_id", kNone, kNone);
  unknown_ = number("tokenizer.ggml.unknown_token_id", 0, kNone);
  if (!named_.load(file, *this)) error << kNoMemory;
  // A model that was trained on texts divided by "begin" says so to end one. What is taken for it where
  // the file says nothing may be any piece.
  const bool is_named = !byte_level_ || file.has("tokenizer.ggml.bos_token_id");
  begin_ends_ = begin_ != kNone && is_named && type(begin_) == TokenType::Control;
  add_begin_ = !byte_level_ || whole_words_;
  add_space_ = !byte_level_;
  file.find_bool("tokenizer.ggml.add_bos_token", add_begin_);
  file.find_bool("tokenizer.ggml.add_eos_token", add_end_);
  Text name;
  if (file.find_text("general.name", name)) strips_spaces_ = names_phi3(name);
  if (!byte_level_) file.find_bool("tokenizer.ggml.add_space_prefix", add_space_);
  if (begin_ == kNone && !byte_level_ && error.empty())
    error << "model: its tokenizer has no beginning-of-sequence token: " << kAdvice;
  return error.empty();
}

u32 Tokenizer::begin_token() const {
  if (begin_ != kNone) return begin_;
  return end_ != kNone ? end_ : 0;
}

}  // namespace inference
