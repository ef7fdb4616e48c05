#include "inference/tokenizer.h"

#include "inference/binary_heap.h"
#include "inference/merger.h"

namespace inference {

namespace {

constexpr Text kAdvice = "the file is damaged, or not a whole model";
constexpr char kSpace[3] = {'\xe2', '\x96', '\x81'};  // U+2581
constexpr u64 kSpaceBytes = sizeof kSpace;
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
  return load_pieces(file, vocabulary, error) && index_pieces(error) && load_special(file, error);
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
  GgufArray pieces, scores, types;
  if (!file.find_array("tokenizer.ggml.tokens", pieces) || pieces.type != GgufType::String) {
    error << "model: its tokenizer has no pieces (metadata tokenizer.ggml.tokens): " << kAdvice;
    return false;
  }
  if (pieces.count != vocabulary) {
    error << "model: " << pieces.count << " tokenizer pieces for an embedding of " << vocabulary
          << " rows: " << kAdvice;
    return false;
  }
  if (!file.find_array("tokenizer.ggml.scores", scores) || scores.type != GgufType::F32 ||
      scores.count != pieces.count) {
    error << "model: its tokenizer has no score for each piece (metadata tokenizer.ggml.scores): "
          << kAdvice;
    return false;
  }
  scores_ = scores.data;
  if (file.find_array("tokenizer.ggml.token_type", types)) {
    const bool is_words = types.type == GgufType::I32 || types.type == GgufType::U32;
    if (!is_words || types.count != pieces.count) {
      error << "model: its tokenizer has no type for each piece (metadata "
               "tokenizer.ggml.token_type): "
            << kAdvice;
      return false;
    }
    types_ = types.data;
  }
  if (!pieces_.allocate(pieces.count)) {
    error << kNoMemory;
    return false;
  }
  GgufStrings strings(pieces);
  for (u64 i = 0; i < pieces.count; ++i) pieces_[i] = strings.next();
  return true;
}

bool Tokenizer::index_pieces(Error& error) {
  for (u32& token : byte_tokens_) token = kNone;
  u64 user_defined = 0;
  bool fits = index_.allocate(pieces_.size());
  for (u32 i = 0; i < pieces_.size() && fits; ++i) {
    // Of pieces that are there twice, the last one counts, as in llama.cpp.
    if (index_.insert(pieces_[i], i) == NameTable::kFull) {
      error << "model: too many tokenizer pieces alike, at " << i << ": " << kAdvice;
      return false;
    }
    if (type(i) == TokenType::UserDefined && !pieces_[i].empty()) ++user_defined;
    if (const i32 value = parse_byte_piece(pieces_[i]); value >= 0) byte_tokens_[value] = i;
  }
  fits = fits && user_defined_.allocate(user_defined);
  if (!fits) {
    error << kNoMemory;
    return false;
  }
  u64 filled = 0;
  for (u32 i = 0; i < pieces_.size() && filled < user_defined; ++i)
    if (type(i) == TokenType::UserDefined && !pieces_[i].empty()) user_defined_[filled++] = i;
  sort_user_defined();
  return true;
}

// Longest first; of equal length, the lowest number first.
void Tokenizer::sort_user_defined() {
  // A heap sort takes what leaves the heap first to the back: so the order is turned around.
  const auto last = [this](u32 a, u32 b) {
    const u64 size_a = pieces_[a].size, size_b = pieces_[b].size;
    return size_a < size_b || (size_a == size_b && a > b);
  };
  make_heap(user_defined_.data(), user_defined_.size(), last);
  for (u64 left = user_defined_.size(); left > 1;) {
    const u32 token = pop_heap(user_defined_.data(), left, last);
    user_defined_[left] = token;
  }
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

// ---- Encoding ---------------------------------------------------------------------------------

// What one call of encode() works with. A text of n bytes gives at most n + 1 stretches; each
// grows by a space in front, and each space to three bytes.
struct Tokenizer::Encoding {
  explicit Encoding(const Tokenizer& tokenizer) : merger(tokenizer) {}

  bool allocate(u64 text_bytes) {
    const u64 most = kSpaceBytes * (text_bytes + 1);
    return escaped.allocate(most) && merger.allocate(most);
  }

  void add(char byte) { escaped[escaped_bytes++] = byte; }
  void add_space() {
    for (char byte : kSpace) add(byte);
  }

  Merger merger;
  Array<char> escaped;
  u64 escaped_bytes = 0;
  u32* tokens = nullptr;
  u64 count = 0;
};

bool Tokenizer::encode(Text text, bool begin, Array<u32>& tokens, u64& count) const {
  // Every token takes at least a byte of an escaped stretch.
  if (text.size > kLongestText || !tokens.allocate(2 * kSpaceBytes * (text.size + 1))) return false;
  count = 0;
  if (begin && add_begin_) tokens[count++] = begin_;
  if (text.empty()) return true;

  Encoding encoding(*this);
  Array<u32> owners;
  if (!encoding.allocate(text.size) || !cut_user_defined(text, owners)) return false;
  encoding.tokens = tokens.data();
  encoding.count = count;
  for (u64 at = 0; at < text.size;) {
    const u64 start = at;
    if (const u32 token = owners[at]; token != kNone) {
      encoding.tokens[encoding.count++] = token;
      at += pieces_[token].size;
      continue;
    }
    while (at < text.size && owners[at] == kNone) ++at;
    encode_stretch({text.data + start, at - start}, encoding);
  }
  count = encoding.count;
  return true;
}

// owners[i] becomes the user-defined token that covers byte i, or kNone.
bool Tokenizer::cut_user_defined(Text text, Array<u32>& owners) const {
  if (!owners.allocate(text.size)) return false;
  for (u64 i = 0; i < text.size; ++i) owners[i] = kNone;
  for (u64 k = 0; k < user_defined_.size(); ++k) {
    const Text piece = pieces_[user_defined_[k]];
    for (u64 at = 0; at + piece.size <= text.size; ++at) {
      if (!starts_with(text.from(at), piece)) continue;
      bool free = true;
      for (u64 i = 0; i < piece.size; ++i) free = free && owners[at + i] == kNone;
      for (u64 i = 0; free && i < piece.size; ++i) owners[at + i] = user_defined_[k];
      if (free) at += piece.size - 1;
    }
  }
  return true;
}

void Tokenizer::encode_stretch(Text text, Encoding& encoding) const {
  encoding.escaped_bytes = 0;
  if (add_space_) encoding.add_space();
  for (char byte : text) {
    if (byte == ' ')
      encoding.add_space();
    else
      encoding.add(byte);
  }
  encoding.merger.merge({encoding.escaped.data(), encoding.escaped_bytes});
  for (u32 i = 0; i != Merger::kEnd; i = encoding.merger.next(i)) {
    const Text symbol = encoding.merger.text(i);
    if (const u32 token = find(symbol); token != kNone)
      encoding.tokens[encoding.count++] = token;
    else
      encode_bytes(symbol, encoding);
  }
}

void Tokenizer::encode_bytes(Text symbol, Encoding& encoding) const {
  for (const char& byte : symbol) {
    u32 token = byte_tokens_[static_cast<u8>(byte)];
    if (token == kNone) token = find({&byte, 1});
    if (token == kNone) token = unknown_;
    if (token != kNone) encoding.tokens[encoding.count++] = token;
  }
}

}  // namespace inference
