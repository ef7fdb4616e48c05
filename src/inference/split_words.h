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
//   Default  [\p{P}$+<=>^~|]+ is cut out first; Gpt2 in all parts; then \p{N}+ is cut out of those,
//            and then [0-9][0-9][0-9]
#pragma once

#include "inference/message.h"
#include "inference/types.h"
#include "inference/unicode.h"

namespace inference {

enum class WordRules : u8 { Gpt2, Default, Llama3, Qwen2, Smollm, Falcon, Tekken };

// Rules by the name in tokenizer.ggml.pre; false if there are none of this name. `whole`: whether a
// word that is a piece as a whole is taken as that, whatever the merges say.
bool find_word_rules(Text name, WordRules& rules, bool& whole);
void list_word_rules(Message& message);

// Where the word at the front of `text`, which is not empty, ends.
u64 gpt2_word(Text text);
u64 llama3_word(Text text, u32 most_digits);
u64 tekken_word(Text text);

// How long the run at the front of a text is that is cut out whole; 0 if there is none.
u64 default_punctuation(Text text);
u64 falcon_punctuation(Text text);
u64 numbers(Text text, u64 most);
u64 three_digits(Text text);

// `next(text)` tells where the first word ends; `take(word)` says whether to go on.
template <class Next, class Take>
bool split_by(Text text, Next next, Take take) {
  for (u64 at = 0; at < text.size;) {
    const u64 bytes = next(text.from(at));
    if (!take(Text(text.data + at, bytes))) return false;
    at += bytes;
  }
  return true;
}

// Runs that `match` finds, and what is between them.
template <class Match, class Take>
bool cut_out(Text text, Match match, Take take) {
  u64 gap = 0;
  for (u64 at = 0; at < text.size;) {
    const u64 bytes = match(text.from(at));
    if (bytes == 0) {
      at += character_at(text, at).bytes;
      continue;
    }
    if (at > gap && !take(Text(text.data + gap, at - gap))) return false;
    if (!take(Text(text.data + at, bytes))) return false;
    at += bytes;
    gap = at;
  }
  return gap == text.size || take(text.from(gap));
}

template <class Take>
bool split_words(Text text, WordRules rules, Take take) {
  const auto gpt2 = [&](Text part) { return split_by(part, gpt2_word, take); };
  const auto one_number = [](Text part) { return numbers(part, 1); };
  const auto all_numbers = [](Text part) { return numbers(part, UINT64_MAX); };
  const auto digits = [&](Text part) { return cut_out(part, three_digits, take); };
  const auto any_numbers = [&](Text part) { return cut_out(part, all_numbers, digits); };
  switch (rules) {
    case WordRules::Gpt2:
      return gpt2(text);
    case WordRules::Smollm:
      return cut_out(text, one_number, gpt2);
    case WordRules::Default:
      return cut_out(text, default_punctuation,
                     [&](Text part) { return split_by(part, gpt2_word, any_numbers); });
    case WordRules::Falcon:
      return cut_out(text, falcon_punctuation,
                     [&](Text part) { return split_by(part, gpt2_word, digits); });
    case WordRules::Tekken:
      return split_by(text, tekken_word, take);
    case WordRules::Llama3:
      return split_by(text, [](Text part) { return llama3_word(part, 3); }, take);
    case WordRules::Qwen2:
      return split_by(text, [](Text part) { return llama3_word(part, 1); }, take);
  }
  return true;
}

}  // namespace inference
