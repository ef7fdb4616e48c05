// Lets only those tokens come next that a grammar goes on with.
//
//   GrammarFilter filter(grammar);
//   if (!filter.prepare(tokenizer)) ...      // memory is short
//   if (!filter.start()) ...                 // of a text
//   u32 token = sampler.choose(logits, &filter);
//   if (!filter.accept(token)) ...           // nothing goes on
//
// What counts is the text of a token as it is printed; tokens without text are out. Tokens that
// end a text may come where the grammar may end.
#pragma once

#include "inference/grammar_matcher.h"
#include "inference/sampler.h"
#include "inference/tokenizer.h"

namespace inference {

class GrammarFilter : public TokenFilter {
 public:
  explicit GrammarFilter(const Grammar& grammar) : matcher_(grammar) {}

  [[nodiscard]] bool prepare(const Tokenizer& tokenizer);
  [[nodiscard]] bool start();

  bool allows(u32 token) override;
  void rule_out(float* logits) override;

  // Goes on behind a token, if it is allowed.
  [[nodiscard]] bool accept(u32 token);

  bool can_end() const { return matcher_.can_end(place_); }
  // Whether the ways to read the text became too many for the memory there is.
  bool failed() const { return matcher_.failed(); }

 private:
  using Place = GrammarMatcher::Place;

  Text text(u32 token) const {
    return {bytes_.data() + starts_[token], starts_[token + 1] - starts_[token]};
  }
  bool read(u32 token, Place& place);
  bool reads_on(Text text, u64 common, u64& dead);

  const Tokenizer* tokenizer_ = nullptr;
  GrammarMatcher matcher_;
  Place place_ = {};
  List<char> bytes_;   // the texts of all tokens
  Array<u64> starts_;  // of each in bytes_, and the end
  Array<u32> order_;   // tokens, sorted by their texts
  Array<u32> common_;  // bytes that a text shares with the one before it in that order
  Array<Place> path_;  // behind each byte of a text
  u64 reached_ = 0;    // how many bytes of the last text path_ knows
};

}  // namespace inference
