// Pre-tokenizing: a text falls into words, and byte pairs are merged inside of words only.
//
//   WordRules rules;
//   if (!find_word_rules("llama-bpe", rules)) ...
//   const bool done = split_words(text, rules, [&](Text word) { return use(word); });
//
// The words are those of the regular expressions that models were trained with, as llama.cpp
// applies them; \s, \p{L}, \p{N} and \p{P} are meant as in Unicode.
//
//   Gpt2     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   Llama3   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}
//            | ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
//   Qwen2    as Llama3, but \p{N} alone
//   Smollm   \p{N} is cut out first; Gpt2 between
//   Tekken   [^\r\n\p{L}\p{N}]?U*L+|[^\r\n\p{L}\p{N}]?U+L*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*
//            |\s*[\r\n]+|\s+(?!\S)|\s+, where U is a letter but a to z, and L one but A to Z
//   Falcon   [\p{P}$+<=>^~|`]+ is cut out first; Gpt2 in all parts; then [0-9][0-9][0-9]
//   DeepseekCoder  cut out one after the other: [\r\n], \s?\p{L}+, \s?\p{P}+,
//            [\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+, \p{N}
//   Default  [\p{P}$+<=>^~|]+ is cut out first; Gpt2 in all parts; then \p{N}+ is cut out of those,
//            and then [0-9][0-9][0-9]
#pragma once

#include "inference/message.h"
#include "inference/types.h"
#include "inference/unicode.h"

namespace inference {

enum class WordRules : u8 {
#define WORD_RULES(name, ...) name,
#include "inference/word_rules.def"
#undef WORD_RULES
};

// Rules by the name in tokenizer.ggml.pre; false if there are none of this name. `whole`: whether a
// word that is a piece as a whole is taken as that, whatever the merges say.
bool find_word_rules(Text name, WordRules& rules, bool& whole);
void list_word_rules(Message& message);

class WordTaker {
 public:
  // Whether to go on.
  virtual bool take(Text word) = 0;

 protected:
  ~WordTaker() = default;
};

// False as soon as the taker is.
bool split_words_for(Text text, WordRules rules, WordTaker& taker);

template <class Take>
bool split_words(Text text, WordRules rules, Take take) {
  struct Taker final : WordTaker {
    explicit Taker(Take& function) : take_(function) {}
    bool take(Text word) override { return take_(word); }
    Take& take_;
  } taker(take);
  return split_words_for(text, rules, taker);
}

}  // namespace inference
