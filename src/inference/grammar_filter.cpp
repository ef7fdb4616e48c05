#include "inference/grammar_filter.h"

#include "inference/binary_heap.h"
#include "inference/piece_text.h"

namespace inference {

namespace {

constexpr u64 kAlive = UINT64_MAX;
constexpr float kImpossible = -__builtin_inff();

u64 common_bytes(Text a, Text b) {
  u64 count = 0;
  while (count < a.size && count < b.size && a[count] == b[count]) ++count;
  return count;
}

bool sorts_before(Text a, Text b) {
  const u64 at = common_bytes(a, b);
  if (at == a.size || at == b.size) return a.size < b.size;
  return static_cast<u8>(a[at]) < static_cast<u8>(b[at]);
}

}  // namespace

bool GrammarFilter::prepare(const Tokenizer& tokenizer) {
  tokenizer_ = &tokenizer;
  const u64 count = tokenizer.size();
  if (!starts_.allocate(count + 1) || !order_.allocate(count) || !common_.allocate(count))
    return false;
  bool fits = true;
  u64 longest = 0;
  for (u32 token = 0; token < count; ++token) {
    fits = fits && append_bytes(tokenizer, token, bytes_);
    starts_[token + 1] = bytes_.size();
    order_[token] = token;
    longest = max(longest, text(token).size);
  }
  if (!fits || !path_.allocate(longest + 1)) return false;
  heap_sort(order_.data(), count, [this](u32 a, u32 b) {
    return sorts_before(text(a), text(b)) || (text(a) == text(b) && a < b);
  });
  for (u64 i = 1; i < count; ++i)
    common_[i] = static_cast<u32>(common_bytes(text(order_[i - 1]), text(order_[i])));
  return true;
}

bool GrammarFilter::start() {
  return matcher_.start(place_);
}

bool GrammarFilter::read(u32 token, Place& place) {
  const Text bytes = text(token);
  place = place_;
  for (const char byte : bytes) {
    const Place before = place;
    if (!matcher_.step(before, static_cast<u8>(byte), place)) return false;
  }
  return !bytes.empty();
}

bool GrammarFilter::allows(u32 token) {
  Place place;
  return tokenizer_->ends_sequence(token) ? can_end() : read(token, place);
}

bool GrammarFilter::accept(u32 token) {
  Place place;
  if (!read(token, place)) return false;
  matcher_.keep(place);
  place_ = place;
  return true;
}

// In the order of their texts, tokens share the places behind the bytes that they share, and all
// that begin like one that failed fail with it.
void GrammarFilter::rule_out(float* logits) {
  path_[0] = place_;
  reached_ = 0;
  u64 dead = kAlive;  // how many bytes of the last text were too many
  for (u64 i = 0; i < order_.size(); ++i) {
    const u32 token = order_[i];
    if (common_[i] < dead) dead = kAlive;
    const bool fails = dead != kAlive || !reads_on(text(token), common_[i], dead);
    const bool allowed =
        tokenizer_->ends_sequence(token) ? can_end() : !fails && !text(token).empty();
    if (!allowed) logits[token] = kImpossible;
  }
}

bool GrammarFilter::reads_on(Text text, u64 common, u64& dead) {
  for (u64 at = reached_ = min(reached_, common); at < text.size; ++at) {
    if (!matcher_.step(path_[at], static_cast<u8>(text[at]), path_[at + 1])) {
      dead = at + 1;
      return false;
    }
    reached_ = at + 1;
  }
  return true;
}

}  // namespace inference
