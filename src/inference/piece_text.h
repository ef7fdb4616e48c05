// The bytes that a token stands for in a text.
//
//   List<char> text;
//   if (!append_bytes(tokenizer, token, text)) ...    // memory is short
//
// Control, unused and unknown tokens have none.
#pragma once

#include "inference/tokenizer.h"

namespace inference {

[[nodiscard]] bool append_bytes(const Tokenizer& tokenizer, u32 token, List<char>& to);

}  // namespace inference
