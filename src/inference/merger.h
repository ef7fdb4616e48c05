// Merging the characters of a text into vocabulary pieces, best score first, of equals the
// leftmost.
//
//   Merger merger(tokenizer);
//   if (!merger.merge(text)) ...      // memory is short
//   for (u32 i = 0; i != Merger::kEnd; i = merger.next(i)) use(merger.text(i));
//
// Work grows as n log n with the text: every merge adds at most two candidates to a heap.
#pragma once

#include "inference/types.h"

namespace inference {

class Tokenizer;

class Merger {
 public:
  static constexpr u32 kEnd = UINT32_MAX;

  explicit Merger(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  // Splits a text, not empty, into characters and merges them until no neighbours are a piece. The
  // text must stay; memory is kept for the next one. False where it is short.
  [[nodiscard]] bool merge(Text text);

  // Takes a text as it is: one symbol.
  [[nodiscard]] bool keep(Text text);

  // What is left: a chain that starts at 0.
  Text text(u32 symbol) const { return {text_ + symbols_[symbol].at, symbols_[symbol].bytes}; }
  u32 next(u32 symbol) const { return symbols_[symbol].next; }

 private:
  struct Symbol {
    u32 at;
    u32 bytes;  // 0 once it has been merged into its left neighbour
    u32 previous;
    u32 next;
  };
  struct Candidate {
    float score;
    u32 left;
    u32 right;
    u32 bytes;  // of both together: a mismatch shows that one of them has changed since
  };
  static bool before(const Candidate& a, const Candidate& b) {
    return a.score > b.score || (a.score == b.score && a.left < b.left);
  }

  bool reserve(u64 symbols);
  u32 split(Text text);
  void consider(u32 left, u32 right);

  const Tokenizer& tokenizer_;
  const char* text_ = nullptr;
  Array<Symbol> symbols_;
  Array<Candidate> candidates_;
  u64 candidate_count_ = 0;
};

}  // namespace inference
