#include "inference/merger.h"

#include "inference/binary_heap.h"
#include "inference/tokenizer.h"
#include "inference/utf8.h"

namespace inference {

namespace {

u64 count_characters(Text text) {
  u64 count = 0;
  for (u64 at = 0; at < text.size; at += utf8_length(text[at])) ++count;
  return count;
}

}  // namespace

bool Merger::reserve(u64 symbols) {
  if (symbols <= symbols_.size()) return true;
  const u64 more = max<u64>(symbols, 2 * symbols_.size());
  // A merge takes one candidate and adds two: n symbols start with n - 1 and merge n - 1 times.
  return more < kEnd && symbols_.allocate(more) && candidates_.allocate(2 * more);
}

bool Merger::keep(Text text) {
  if (text.size >= kEnd || !reserve(1)) return false;
  text_ = text.data;
  symbols_[0] = {0, static_cast<u32>(text.size), kEnd, kEnd};
  return true;
}

bool Merger::merge(Text text) {
  if (text.size >= kEnd || !reserve(count_characters(text))) return false;
  candidate_count_ = 0;
  const u32 count = split(text);
  for (u32 i = 1; i < count; ++i) consider(i - 1, i);
  while (candidate_count_ > 0) {
    const Candidate best = pop_heap(candidates_.data(), candidate_count_, before);
    Symbol& left = symbols_[best.left];
    Symbol& right = symbols_[best.right];
    if (left.bytes == 0 || right.bytes == 0 || left.bytes + right.bytes != best.bytes) continue;
    left.bytes += right.bytes;
    right.bytes = 0;
    left.next = right.next;
    if (right.next != kEnd) symbols_[right.next].previous = best.left;
    consider(left.previous, best.left);
    consider(best.left, left.next);
  }
  return true;
}

u32 Merger::split(Text text) {
  text_ = text.data;
  u32 count = 0;
  for (u64 at = 0; at < text.size; ++count) {
    const u64 bytes = min(utf8_length(text[at]), text.size - at);
    symbols_[count] = {static_cast<u32>(at), static_cast<u32>(bytes), count - 1, count + 1};
    at += bytes;
  }
  // The first one's `previous` has wrapped around to kEnd.
  symbols_[count - 1].next = kEnd;
  return count;
}

void Merger::consider(u32 left, u32 right) {
  if (left == kEnd || right == kEnd) return;
  Candidate candidate{0.0f, left, right, symbols_[left].bytes + symbols_[right].bytes};
  if (tokenizer_.score_pair(text(left), text(right), candidate.score))
    push_heap(candidates_.data(), candidate_count_, candidate, before);
}

}  // namespace inference
