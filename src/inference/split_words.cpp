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

}  // namespace

bool find_word_rules(Text name, WordRules& rules) {
#define PRE_TOKENIZER(known, its_rules) \
  if (name == Text(known)) return rules = WordRules::its_rules, true;
#include "inference/pre_tokenizers.def"
#undef PRE_TOKENIZER
  return false;
}

void list_word_rules(Message& message) {
  Text separator;
#define PRE_TOKENIZER(known, its_rules) \
  message << separator << Text(known);  \
  separator = ", ";
#include "inference/pre_tokenizers.def"
#undef PRE_TOKENIZER
}

u64 gpt2_word(Text text) {
  if (const u64 end = contraction(text, 0)) return end;
  const u64 start = text[0] == ' ' ? 1 : 0;
  const Character c = character_at(text, start);
  if (c.kind == Letter || c.kind == Number) return skip(text, start, c.kind);
  return is_symbol(c) ? skip(text, start, is_symbol) : spaces(text);
}

u64 llama3_word(Text text, u32 most_digits) {
  if (const u64 end = contraction(text, 0x20)) return end;
  const Character first = character_at(text, 0);
  if (first.kind == Letter) return skip(text, 0, Letter);
  if (first.kind == Number) return numbers(text, most_digits);
  // Whatever is in front of letters goes with them, but for numbers and line ends.
  if (!is_line_end(first))
    if (const u64 end = skip(text, first.bytes, Letter); end > first.bytes) return end;

  const u64 start = first.code == ' ' ? 1 : 0;
  if (is_symbol(character_at(text, start)))
    return skip(text, skip(text, start, is_symbol), is_line_end);
  const u64 end = line_ends(text);
  return end > 0 ? end : spaces(text);
}

u64 default_punctuation(Text text) {
  return skip(text, 0, [](const Character& c) {
    if (c.kind == Punctuation) return true;
    for (char symbol : Text("$+<=>^~|"))
      if (c.code == static_cast<u32>(symbol)) return true;
    return false;
  });
}

u64 numbers(Text text, u64 most) {
  return skip(text, 0, [&](const Character& c) { return c.kind == Number && most-- > 0; });
}

u64 three_digits(Text text) {
  const auto is_digit = [&](u64 at) { return text[at] >= '0' && text[at] <= '9'; };
  return text.size >= 3 && is_digit(0) && is_digit(1) && is_digit(2) ? 3 : 0;
}

}  // namespace inference
