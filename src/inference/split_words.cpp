#include "inference/split_words.h"

namespace inference {

namespace {

using enum CharacterClass;

bool is_line_end(const Character& c) {
  return c.code == '\n' || c.code == '\r';
}

// [^\s\p{L}\p{N}]
bool is_symbol(const Character& c) {
  return c.kind == Punctuation || c.kind == Other;
}

// Behind all characters from `at` on that are `wanted`.
template <class Wanted>
u64 skip(Text text, u64 at, Wanted wanted) {
  for (;;) {
    const Character c = character_at(text, at);
    if (c.bytes == 0 || !wanted(c)) return at;
    at += c.bytes;
  }
}

u64 skip(Text text, u64 at, CharacterClass kind) {
  return skip(text, at, [=](const Character& c) { return c.kind == kind; });
}

// 's|'t|'re|'ve|'m|'ll|'d; `fold` is 0x20 where capitals count, too.
u64 contraction(Text text, u8 fold) {
  if (text[0] != '\'' || text.size < 2) return 0;
  const auto letter = [&](u64 at) -> char {
    const char c = text[at];
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | fold) : c;
  };
  const char first = letter(1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if (text.size < 3) return 0;
  const char second = letter(2);
  const bool known =
      (first == 'l' && second == 'l') || ((first == 'r' || first == 'v') && second == 'e');
  return known ? 3 : 0;
}

// \s+(?!\S)|\s+: the last space of several stays with the word that follows.
u64 spaces(Text text) {
  u64 end = 0, last = 0;
  for (Character c = character_at(text, 0); c.kind == Space; c = character_at(text, end)) {
    last = end;
    end += c.bytes;
  }
  return end < text.size && last > 0 ? last : end;
}

// \s*[\r\n]+, or 0: up to the last line end of a run of spaces.
u64 line_ends(Text text) {
  u64 end = 0, at = 0;
  for (Character c = character_at(text, 0); c.kind == Space; c = character_at(text, at)) {
    at += c.bytes;
    if (is_line_end(c)) end = at;
  }
  return end;
}

// Tekken's U*L+|U+L*: capitals and then small letters. Letters that are not ASCII are both.
u64 cased_letters(Text text, u64 start) {
  const auto small = [](const Character& c) { return c.code >= 'a' && c.code <= 'z'; };
  const auto capital = [](const Character& c) { return c.code >= 'A' && c.code <= 'Z'; };
  u64 at = start, both = start;  // behind the last letter that can also be a small one
  for (Character c = character_at(text, at); c.kind == Letter && !small(c);
       c = character_at(text, at)) {
    at += c.bytes;
    if (!capital(c)) both = at;
  }
  const u64 end =
      skip(text, at, [&](const Character& c) { return c.kind == Letter && !capital(c); });
  if (end > at) return end;
  // There is no small letter, so one of the capitals' run has to be it, if there is any.
  return both > start ? both : at;
}

// ?[^\s\p{L}\p{N}]+ with what may come `behind` it; or spaces, up to the last line end if there is
// one.
template <class Behind>
u64 symbols_or_spaces(Text text, Behind behind) {
  const u64 start = text[0] == ' ' ? 1 : 0;
  if (is_symbol(character_at(text, start))) return skip(text, skip(text, start, is_symbol), behind);
  const u64 end = line_ends(text);
  return end > 0 ? end : spaces(text);
}

u64 punctuation(Text text, Text symbols) {
  return skip(text, 0, [&](const Character& c) {
    if (c.kind == Punctuation) return true;
    for (const char symbol : symbols)
      if (c.code == static_cast<u32>(symbol)) return true;
    return false;
  });
}

u64 gpt2_word(Text text) {
  if (const u64 end = contraction(text, 0)) return end;
  const u64 start = text[0] == ' ' ? 1 : 0;
  const Character c = character_at(text, start);
  if (c.kind == Letter || c.kind == Number) return skip(text, start, c.kind);
  return is_symbol(c) ? skip(text, start, is_symbol) : spaces(text);
}

u64 some_numbers(Text text, u64 most) {
  return skip(text, 0, [&](const Character& c) { return c.kind == Number && most-- > 0; });
}

u64 modern_word(Text text, u32 most_digits) {
  if (const u64 end = contraction(text, 0x20)) return end;
  const Character first = character_at(text, 0);
  if (first.kind == Letter) return skip(text, 0, Letter);
  if (first.kind == Number) return some_numbers(text, most_digits);
  // Whatever is in front of letters goes with them, but for numbers and line ends.
  if (!is_line_end(first))
    if (const u64 end = skip(text, first.bytes, Letter); end > first.bytes) return end;
  return symbols_or_spaces(text, is_line_end);
}

u64 llama3_word(Text text) {
  return modern_word(text, 3);
}

u64 qwen2_word(Text text) {
  return modern_word(text, 1);
}

u64 number(Text text) {
  return some_numbers(text, 1);
}

u64 numbers(Text text) {
  return some_numbers(text, UINT64_MAX);
}

u64 tekken_word(Text text) {
  const Character first = character_at(text, 0);
  if (first.kind == Number) return first.bytes;
  const u64 start = first.kind == Letter || is_line_end(first) ? 0 : first.bytes;
  if (const u64 end = cased_letters(text, start); end > start) return end;
  return symbols_or_spaces(text,
                           [](const Character& c) { return is_line_end(c) || c.code == '/'; });
}

u64 default_punctuation(Text text) {
  return punctuation(text, "$+<=>^~|");
}

u64 falcon_punctuation(Text text) {
  return punctuation(text, "$+<=>^~|`");
}

u64 line_end(Text text) {
  return is_line_end(character_at(text, 0)) ? 1 : 0;
}

u64 spaced_run(Text text, CharacterClass kind) {
  const Character first = character_at(text, 0);
  const u64 start = first.kind == Space ? first.bytes : 0;
  const u64 end = skip(text, start, kind);
  return end > start ? end : 0;
}

u64 spaced_letters(Text text) {
  return spaced_run(text, Letter);
}

u64 spaced_punctuation(Text text) {
  return spaced_run(text, Punctuation);
}

// Without the spaces of those ranges: this expression has no class of characters, and llama.cpp makes
// one character of all white space before it matches such a one.
u64 east_asian(Text text) {
  return skip(text, 0, [](const Character& c) {
    if (c.kind == Space) return false;
    return (c.code >= 0x800 && c.code <= 0x9fa5) || (c.code >= 0xac00 && c.code <= 0xd7ff);
  });
}

u64 three_digits(Text text) {
  const auto is_digit = [&](u64 at) { return text[at] >= '0' && text[at] <= '9'; };
  return text.size >= 3 && is_digit(0) && is_digit(1) && is_digit(2) ? 3 : 0;
}

using Stage = u64 (*)(Text);

constexpr u64 kMostStages = 5;
constexpr Stage kRules[][kMostStages + 1] = {
#define WORD_RULES(name, ...) {__VA_ARGS__},
#include "inference/word_rules.def"
#undef WORD_RULES
};

bool divide(Text text, const Stage* stages, WordTaker& taker) {
  if (*stages == nullptr) return taker.take(text);
  u64 gap = 0;  // what is behind it and before `at` has no match
  for (u64 at = 0; at < text.size;) {
    const u64 bytes = (*stages)(text.from(at));
    if (bytes == 0) {
      at += character_at(text, at).bytes;
      continue;
    }
    if (at > gap && !divide(Text(text.data + gap, at - gap), stages + 1, taker)) return false;
    if (!divide(Text(text.data + at, bytes), stages + 1, taker)) return false;
    at += bytes;
    gap = at;
  }
  return gap == text.size || divide(text.from(gap), stages + 1, taker);
}

}  // namespace

bool split_words_for(Text text, WordRules rules, WordTaker& taker) {
  return divide(text, kRules[static_cast<u64>(rules)], taker);
}

bool find_word_rules(Text name, WordRules& rules, bool& whole) {
#define PRE_TOKENIZER(known, its_rules, its_whole) \
  if (name == Text(known)) return rules = WordRules::its_rules, whole = its_whole, true;
#include "inference/pre_tokenizers.def"
#undef PRE_TOKENIZER
  return false;
}

void list_word_rules(Message& message) {
  Text separator;
#define PRE_TOKENIZER(known, its_rules, its_whole) \
  message << separator << Text(known);             \
  separator = ", ";
#include "inference/pre_tokenizers.def"
#undef PRE_TOKENIZER
}

}  // namespace inference
