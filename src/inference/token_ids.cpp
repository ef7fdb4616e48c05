#include "inference/token_ids.h"

#include "inference/settings.h"

namespace inference {

namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// Cuts the next word off the front of the text; empty at its end.
Text next_word(Text& text) {
  u64 start = 0;
  while (start < text.size && is_space(text[start])) ++start;
  u64 end = start;
  while (end < text.size && !is_space(text[end])) ++end;
  const Text word(text.data + start, end - start);
  text = text.from(end);
  return word;
}

}  // namespace

bool read_ids(Text text, u64 vocabulary, List<u32>& ids, Error& error) {
  ids.clear();
  for (Text word = next_word(text); !word.empty(); word = next_word(text)) {
    u64 id;
    if (!parse_integer(word, id) || id >= vocabulary) {
      error << "tokens: word " << ids.size() + 1 << ", " << Quoted(word)
            << ", is no token id: give whole numbers from 0 to " << vocabulary - 1;
      return false;
    }
    if (!ids.add(static_cast<u32>(id))) {
      error << "tokens: not enough memory for so many: give fewer";
      return false;
    }
  }
  if (ids.empty()) error << "tokens: there are none: give token ids, with white space between them";
  return !ids.empty();
}

}  // namespace inference
