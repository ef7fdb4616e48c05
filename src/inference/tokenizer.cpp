#include "inference/tokenizer.h"

#include "inference/merger.h"
#include "inference/utf8.h"

namespace inference {

namespace {

constexpr Text kAdvice = "the file is damaged, or not a whole model";
constexpr Text kSpace = "\xe2\x96\x81";  // U+2581
constexpr u64 kLongestText = 1 << 28;
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

// Walks the words of an escaped text: each space that follows something else begins one.
class Words {
 public:
  explicit Words(Text text) : text_(text) {}

  bool next(Text& word) {
    const u64 start = at_;
    bool in_spaces = true;
    while (at_ < text_.size) {
      // By characters, as the merger splits them: a broken one may swallow the bytes of a space.
      const u64 bytes = min(utf8_length(text_[at_]), text_.size - at_);
      const bool space = Text(text_.data + at_, bytes) == kSpace;
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

bool is_one_word(Text piece) {
  Words words(piece);
  Text first, second;
  return !words.next(first) || !words.next(second);
}

}  // namespace

TokenType Tokenizer::type(u32 token) const {
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
  // A model that was trained on texts divided by "begin" says so to end one.
  return token == end_ || token == end_of_turn_ || token == begin_;
}

bool Tokenizer::load(const Gguf& file, u64 vocabulary, Error& error) {
  if (!load_pieces(file, vocabulary, error) || !load_scores(file, error) || !index_pieces(error) ||
      !load_special(file, error))
    return false;
  if (!special_.build(*this)) error << kNoMemory;
  return error.empty();
}

bool Tokenizer::load_pieces(const Gguf& file, u64 vocabulary, Error& error) {
  Text kind;
  if (!file.find_text("tokenizer.ggml.model", kind)) {
    error << "model: it has no tokenizer (metadata tokenizer.ggml.model): " << kAdvice;
    return false;
  }
  if (!(kind == Text("llama"))) {
    error << "model: tokenizer " << Quoted(kind)
          << " is not supported: give a model with a SentencePiece ('llama') tokenizer";
    return false;
  }
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
  if (!pieces_.allocate(pieces.count)) {
    error << kNoMemory;
    return false;
  }
  GgufStrings strings(pieces);
  for (u64 i = 0; i < pieces.count; ++i) pieces_[i] = strings.next();
  return true;
}

bool Tokenizer::load_scores(const Gguf& file, Error& error) {
  GgufArray scores, types;
  if (!file.find_array("tokenizer.ggml.scores", scores) || scores.type != GgufType::F32 ||
      scores.count != pieces_.size()) {
    error << "model: its tokenizer has no score for each piece (metadata tokenizer.ggml.scores): "
          << kAdvice;
    return false;
  }
  scores_ = scores.data;
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
    // Of pieces that are there twice, the last one counts, as in llama.cpp.
    if (index_.insert(pieces_[i], i) == NameTable::kFull) {
      error << "model: too many tokenizer pieces alike, at " << i << ": " << kAdvice;
      return false;
    }
    if (const i32 value = parse_byte_piece(pieces_[i]); value >= 0) byte_tokens_[value] = i;
    words_are_apart_ = words_are_apart_ && is_one_word(pieces_[i]);
  }
  return true;
}

u32 Tokenizer::special_token(const Gguf& file, Text key, u32 fallback, Error& error) const {
  u64 value = fallback;
  if (!file.find_integer(key, value)) return fallback < pieces_.size() ? fallback : kNone;
  if (value < pieces_.size()) return static_cast<u32>(value);
  error << "model: metadata " << key << " is " << value << ", but there are " << pieces_.size()
        << " pieces: " << kAdvice;
  return kNone;
}

bool Tokenizer::load_special(const Gguf& file, Error& error) {
  // The numbers that SentencePiece gives where a file says nothing.
  begin_ = special_token(file, "tokenizer.ggml.bos_token_id", 1, error);
  if (error.empty()) end_ = special_token(file, "tokenizer.ggml.eos_token_id", 2, error);
  if (error.empty())
    end_of_turn_ = special_token(file, "tokenizer.ggml.eot_token_id", kNone, error);
  if (error.empty()) unknown_ = special_token(file, "tokenizer.ggml.unknown_token_id", 0, error);
  file.find_bool("tokenizer.ggml.add_bos_token", add_begin_);
  file.find_bool("tokenizer.ggml.add_space_prefix", add_space_);
  if (begin_ == kNone && error.empty())
    error << "model: its tokenizer has no beginning-of-sequence token: " << kAdvice;
  return error.empty();
}

bool Tokenizer::score_pair(Text left, Text right, float& score) const {
  const u32 token = find({left.data, left.size + right.size});
  if (token == kNone) return false;
  score = this->score(token);
  return true;
}

// ---- Encoding ---------------------------------------------------------------------------------

// What one call of encode() works with.
struct Tokenizer::Encoding {
  Encoding(const Tokenizer& tokenizer, List<u32>& to) : merger(tokenizer), tokens(to) {}

  Merger merger;
  List<u32>& tokens;
  List<char> escaped;
};

bool Tokenizer::encode(Text text, Encode how, List<u32>& tokens) const {
  if (text.size > kLongestText) return false;
  if (how.begin && add_begin_ && !tokens.add(begin_)) return false;

  Encoding encoding(*this, tokens);
  Array<u32> owners;
  if (!special_.cut(text, how.special, owners)) return false;
  const auto owner = [&](u64 at) { return owners.size() == 0 ? kNone : owners[at]; };
  for (u64 at = 0; at < text.size;) {
    const u64 start = at;
    if (const u32 token = owner(at); token != kNone) {
      if (!tokens.add(token)) return false;
      at += pieces_[token].size;
      continue;
    }
    while (at < text.size && owner(at) == kNone) ++at;
    if (!encode_stretch({text.data + start, at - start}, encoding)) return false;
  }
  return true;
}

bool Tokenizer::encode_stretch(Text text, Encoding& encoding) const {
  List<char>& escaped = encoding.escaped;
  const auto add = [&](Text bytes) {
    bool added = true;
    for (char byte : bytes) added = escaped.add(byte) && added;
    return added;
  };
  escaped.clear();
  if (add_space_ && !add(kSpace)) return false;
  for (const char& byte : text)
    if (!(byte == ' ' ? add(kSpace) : escaped.add(byte))) return false;
  return encode_words({escaped.data(), escaped.size()}, encoding);
}

// Where no piece reaches from one word to the next, words are merged one by one: in little memory,
// and to the same result.
bool Tokenizer::encode_words(Text escaped, Encoding& encoding) const {
  if (!words_are_apart_) return encode_word(escaped, encoding);
  Words words(escaped);
  for (Text word; words.next(word);)
    if (!encode_word(word, encoding)) return false;
  return true;
}

bool Tokenizer::encode_word(Text word, Encoding& encoding) const {
  if (!encoding.merger.merge(word)) return false;
  for (u32 i = 0; i != Merger::kEnd; i = encoding.merger.next(i)) {
    const Text symbol = encoding.merger.text(i);
    const u32 token = find(symbol);
    if (!(token != kNone ? encoding.tokens.add(token) : encode_bytes(symbol, encoding)))
      return false;
  }
  return true;
}

bool Tokenizer::encode_bytes(Text symbol, Encoding& encoding) const {
  for (const char& byte : symbol) {
    u32 token = byte_tokens_[static_cast<u8>(byte)];
    if (token == kNone) token = find({&byte, 1});
    if (token == kNone) token = unknown_;
    if (token != kNone && !encoding.tokens.add(token)) return false;
  }
  return true;
}

}  // namespace inference
