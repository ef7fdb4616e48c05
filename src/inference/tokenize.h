// The ids of a text on the text stream: one line, a space between two.
//
//   if (!tokenize(model, text, {.special = true}, error)) ...
//
// The model may be a vocabulary alone.
#pragma once

#include "inference/message.h"
#include "inference/tokenizer.h"

namespace inference {

[[nodiscard]] bool tokenize(Bytes model, Text text, Encode how, Error& error);

}  // namespace inference
