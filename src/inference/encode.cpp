// Text to tokens: see tokenizer.h for how.
#include "inference/byte_alphabet.h"
#include "inference/escaped_words.h"
#include "inference/merger.h"
#include "inference/tokenizer.h"

namespace inference {

namespace {

constexpr u64 kLongestText = 1 << 28;

}  // namespace

bool Tokenizer::score_pair(Text left, Text right, float& score) const {
  if (byte_level_) {
    const u32 rank = merges_.find(left, right);
    score = -static_cast<float>(rank);
    return rank != MergeRanks::kNone;
  }
  const u32 token = find({left.data, left.size + right.size});
  if (token == kNone) return false;
  score = this->score(token);
  return true;
}

// What one call of encode() works with.
struct Tokenizer::Encoding {
  Encoding(const Tokenizer& tokenizer, List<u32>& to) : merger(tokenizer), tokens(to) {}

  Merger merger;
  List<u32>& tokens;
  List<char> escaped;  // the text with U+2581 for spaces, or repaired
  List<char> letters;  // a word in the byte alphabet
};

bool Tokenizer::encode(Text text, Encode how, List<u32>& tokens) const {
  if (text.size > kLongestText) return false;
  if (how.begin && add_begin_ && begin_ != kNone && !tokens.add(begin_)) return false;

  Encoding encoding(*this, tokens);
  Array<u32> owners;
  if (!special_.cut(text, how, owners)) return false;
  const auto owner = [&](u64 at) { return owners.size() == 0 ? kNone : owners[at]; };
  for (u64 at = 0; at < text.size;) {
    const u64 start = at;
    const u32 token = owner(at);
    if (token == SpecialTokens::kDropped) {
      ++at;
      continue;
    }
    if (token != kNone) {
      if (!tokens.add(token)) return false;
      at += pieces_[token].size;
      continue;
    }
    while (at < text.size && owner(at) == kNone) ++at;
    const Text stretch(text.data + start, at - start);
    if (!(byte_level_ ? encode_byte_level(stretch, encoding) : encode_sentence(stretch, encoding)))
      return false;
  }
  return !how.end || !add_end_ || end_ == kNone || tokens.add(end_);
}

bool Tokenizer::encode_sentence(Text text, Encoding& encoding) const {
  List<char>& escaped = encoding.escaped;
  const auto add = [&](Text bytes) {
    bool added = true;
    for (char byte : bytes) added = escaped.add(byte) && added;
    return added;
  };
  escaped.clear();
  if (add_space_ && !add(kEscapedSpace)) return false;
  for (const char& byte : text)
    if (!(byte == ' ' ? add(kEscapedSpace) : escaped.add(byte))) return false;
  return encode_words({escaped.data(), escaped.size()}, encoding);
}

// Where no piece reaches from one word to the next, words are merged one by one: in little memory,
// and to the same result.
bool Tokenizer::encode_words(Text escaped, Encoding& encoding) const {
  if (!words_are_apart_) return encode_word(escaped, encoding);
  EscapedWords words(escaped);
  for (Text word; words.next(word);)
    if (!encode_word(word, encoding)) return false;
  return true;
}

bool Tokenizer::encode_word(Text word, Encoding& encoding) const {
  return encoding.merger.merge(word) && add_symbols(encoding);
}

bool Tokenizer::add_symbols(Encoding& encoding) const {
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
    u32 token = byte_level_ ? kNone : byte_tokens_[static_cast<u8>(byte)];
    if (token == kNone) token = find({&byte, 1});
    if (token == kNone && !byte_level_) token = unknown_;
    if (token != kNone && !encoding.tokens.add(token)) return false;
  }
  return true;
}

// ---- Byte level -------------------------------------------------------------------------------

bool Tokenizer::encode_byte_level(Text text, Encoding& encoding) const {
  List<char>& repaired = encoding.escaped;
  repaired.clear();
  if (!repair_utf8(text, repaired)) return false;
  return split_words({repaired.data(), repaired.size()}, word_rules_,
                     [&](Text word) { return encode_byte_word(word, encoding); });
}

bool Tokenizer::encode_byte_word(Text word, Encoding& encoding) const {
  List<char>& letters = encoding.letters;
  letters.clear();
  for (char byte : word)
    if (!append_utf8(kByteAlphabet.letters[static_cast<u8>(byte)], letters)) return false;
  const Text text(letters.data(), letters.size());
  const bool whole = whole_words_ && find(text) != kNone;
  return (whole ? encoding.merger.keep(text) : encoding.merger.merge(text)) &&
         add_symbols(encoding);
}

}  // namespace inference
