#include "inference/merger.h"

#include "inference/binary_heap.h"
#include "inference/tokenizer.h"
#include "inference/utf8.h"

namespace inference {

bool Merger::allocate(u64 bytes) {
  return bytes < kEnd && symbols_.allocate(bytes + 1) && candidates_.allocate(3 * bytes + 3);
}

void Merger::merge(Text text) {
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
}

u32 Merger::split(Text text) {
  u32 count = 0;
  for (u64 at = 0; at < text.size; ++count) {
    const u64 bytes = min(utf8_length(text[at]), text.size - at);
    symbols_[count] = {text.data + at, static_cast<u32>(bytes), count - 1, count + 1};
    at += bytes;
  }
  // The first one's `previous` has wrapped around to kEnd.
  symbols_[count - 1].next = kEnd;
  return count;
}

void Merger::consider(u32 left, u32 right) {
  if (left == kEnd || right == kEnd) return;
  // Neighbours in the chain are neighbours in the text.
  const Text both(symbols_[left].text, symbols_[left].bytes + symbols_[right].bytes);
  const u32 token = tokenizer_.find(both);
  if (token == Tokenizer::kNone) return;
  const Candidate candidate{tokenizer_.score(token), left, right, static_cast<u32>(both.size)};
  push_heap(candidates_.data(), candidate_count_, candidate, before);
}

}  // namespace inference
