// What pre-tokenizers ask of a character: its class. And characters of UTF-8 text, as numbers.
//
//   const Character c = character_at(text, at);    // c.code, c.bytes, c.kind
//   if (c.kind == CharacterClass::Letter) ...      // \p{L}
//
//   List<char> whole;
//   if (!repair_utf8(broken, whole)) ...           // memory is short
#pragma once

#include "inference/list.h"
#include "inference/types.h"

namespace inference {

enum class CharacterClass : u8 {
  End,          // there is no character
  Letter,       // \p{L}
  Number,       // \p{N}
  Punctuation,  // \p{P}
  Space,        // \s, the property White_Space
  Other,
};

struct Character {
  u32 code;
  u32 bytes;
  CharacterClass kind;
};

CharacterClass class_of(u32 code);

// The character at a place of text that is well-formed as repair_utf8 leaves it; behind the end,
// one of no bytes.
Character character_at(Text text, u64 at);

// Appends `text` with each byte that belongs to no character as U+FFFD. As in llama.cpp, what is
// only longer than need be is shortened, and surrogates pass.
[[nodiscard]] bool repair_utf8(Text text, List<char>& to);

// Appends a character.
[[nodiscard]] bool append_utf8(u32 code, List<char>& to);

}  // namespace inference
