// The last tokens of a text, and how often each of them is there.
//
//   RecentTokens recent;
//   if (!recent.prepare(vocabulary, 64)) ...    // memory is short
//   recent.add(token);
//   recent.count(token)
#pragma once

#include "inference/types.h"

namespace inference {

class RecentTokens {
 public:
  // Remembers none where `most` is 0.
  [[nodiscard]] bool prepare(u64 vocabulary, u64 most) {
    most_ = most;
    return most == 0 || (tokens_.allocate(most) && counts_.allocate(vocabulary));
  }

  void clear() {
    added_ = 0;
    for (u64 i = 0; i < counts_.size(); ++i) counts_[i] = 0;
  }

  void add(u32 token) {
    if (most_ == 0) return;
    u32& place = tokens_[added_ % most_];
    if (added_++ >= most_) --counts_[place];
    place = token;
    ++counts_[token];
  }

  u32 count(u32 token) const { return counts_[token]; }
  bool empty() const { return added_ == 0 || most_ == 0; }

 private:
  Array<u32> tokens_;  // a ring
  Array<u32> counts_;  // of each token of the vocabulary
  u64 most_ = 0;
  u64 added_ = 0;
};

}  // namespace inference
