#include "inference/special_tokens.h"

#include "inference/binary_heap.h"
#include "inference/tokenizer.h"

namespace inference {

namespace {

bool is_special(TokenType type) {
  return type == TokenType::UserDefined || type == TokenType::Control || type == TokenType::Unknown;
}

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool sorts_before(Text a, Text b) {
  for (u64 i = 0; i < a.size && i < b.size; ++i)
    if (a[i] != b[i]) return static_cast<u8>(a[i]) < static_cast<u8>(b[i]);
  return a.size < b.size;
}

}  // namespace

bool SpecialTokens::build(const Tokenizer& tokenizer) {
  tokenizer_ = &tokenizer;
  tokens_.clear();
  for (u32 token = 0; token < tokenizer.size(); ++token) {
    const Text piece = tokenizer.piece(token);
    // Of pieces that are there twice, only the one that a text can name.
    const bool wanted =
        is_special(tokenizer.type(token)) && !piece.empty() && tokenizer.find(piece) == token;
    if (wanted && !tokens_.add(token)) return false;
  }
  heap_sort(tokens_.data(), tokens_.size(),
            [&](u32 a, u32 b) { return sorts_before(tokenizer.piece(a), tokenizer.piece(b)); });
  u64 at = 0;
  for (u32 byte = 0; byte < 257; ++byte) {
    while (at < tokens_.size() && static_cast<u8>(tokenizer.piece(tokens_[at])[0]) < byte) ++at;
    first_[byte] = at;
  }
  return true;
}

bool SpecialTokens::cut(Text text, const Encode& how, Array<u32>& owners) const {
  List<Match> matches;
  if (!find(text, how, matches)) return false;
  if (matches.empty()) return true;
  const auto size = [this](u32 token) { return tokenizer_->piece(token).size; };
  heap_sort(matches.data(), matches.size(), [&](const Match& a, const Match& b) {
    if (size(a.token) != size(b.token)) return size(a.token) > size(b.token);
    return a.token != b.token ? a.token < b.token : a.at < b.at;
  });

  if (!owners.allocate(text.size)) return false;
  for (u64 i = 0; i < text.size; ++i) owners[i] = Tokenizer::kNone;
  for (u64 i = 0; i < matches.size(); ++i) {
    const auto [token, first] = matches[i];
    const u64 end = first + size(token);
    // What has been cut out so far is no shorter: it cannot lie inside of this one. Nor can what was
    // dropped, which goes on up to what is no space.
    if (owners[first] != Tokenizer::kNone || owners[end - 1] != Tokenizer::kNone) continue;
    for (u64 at = first; at < end; ++at) owners[at] = token;
    if (!tokenizer_->strips_spaces_behind(token)) continue;
    for (u64 at = end; at < text.size && owners[at] == Tokenizer::kNone && is_blank(text[at]); ++at)
      owners[at] = kDropped;
  }
  return true;
}

bool SpecialTokens::find(Text text, const Encode& how, List<Match>& matches) const {
  for (u64 at = 0; at < text.size; ++at) {
    const u8 byte = static_cast<u8>(text[at]);
    if (first_[byte] == first_[byte + 1]) continue;
    if (!find_at(text, at, how, matches)) return false;
  }
  return true;
}

// All that begin at `at`: the stretch of tokens_ that agrees with the text narrows byte by byte.
bool SpecialTokens::find_at(Text text, u64 at, const Encode& how, List<Match>& matches) const {
  u64 first = 0, end = tokens_.size();
  for (u64 depth = 0; first < end && at + depth < text.size;) {
    const u32 byte = static_cast<u8>(text[at + depth]);
    const u64 narrowed = first_from(first, end, depth, byte);
    end = first_from(narrowed, end, depth, byte + 1);
    first = narrowed;
    ++depth;
    // The shortest of a stretch is its first.
    if (first == end || tokenizer_->piece(tokens_[first]).size != depth) continue;
    const u32 token = tokens_[first++];
    bool control = how.special;
    for (u64 i = 0; control && how.written != nullptr && i < depth; ++i)
      control = !how.written[at + i];
    const bool wanted = control || tokenizer_->type(token) == TokenType::UserDefined;
    if (wanted && !matches.add({token, static_cast<u32>(at)})) return false;
  }
  return true;
}

// The first in [first, end), all longer than `depth`, whose byte there is `byte` or a later one.
u64 SpecialTokens::first_from(u64 first, u64 end, u64 depth, u32 byte) const {
  if (depth == 0) return first_[byte];
  while (first < end) {
    const u64 middle = first + (end - first) / 2;
    if (static_cast<u8>(tokenizer_->piece(tokens_[middle])[depth]) < byte)
      first = middle + 1;
    else
      end = middle;
  }
  return first;
}

}  // namespace inference
