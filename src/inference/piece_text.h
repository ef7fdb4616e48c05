// The bytes that a token stands for in a text, one by one.
//
//   each_byte(tokenizer, token, [&](char byte) { ... });
//
// Control, unused and unknown tokens have none.
#pragma once

#include "inference/byte_alphabet.h"
#include "inference/tokenizer.h"
#include "inference/unicode.h"

namespace inference {

// Letters of the byte alphabet are bytes; what is none stays what it is.
template <class Use>
void each_letter_byte(Text piece, Use use) {
  for (u64 at = 0; at < piece.size;) {
    const Character letter = character_at(piece, at);
    const i32 byte = kByteAlphabet.byte(letter.code);
    if (byte >= 0) use(static_cast<char>(byte));
    for (u64 i = 0; byte < 0 && i < letter.bytes; ++i) use(piece[at + i]);
    at += letter.bytes;
  }
}

template <class Use>
void each_byte(const Tokenizer& tokenizer, u32 token, Use use) {
  constexpr Text kSpacePiece = "\xe2\x96\x81";  // U+2581
  const Text piece = tokenizer.piece(token);
  switch (tokenizer.type(token)) {
    case TokenType::Byte:
      return use(static_cast<char>(tokenizer.byte(token)));
    case TokenType::Control:
    case TokenType::Unused:
    case TokenType::Unknown:
      return;
    case TokenType::UserDefined:
      for (char byte : piece) use(byte);
      return;
    default:
      break;
  }
  if (tokenizer.byte_level()) return each_letter_byte(piece, use);
  for (u64 at = 0; at < piece.size;) {
    const bool is_space = starts_with(piece.from(at), kSpacePiece);
    use(is_space ? ' ' : piece[at]);
    at += is_space ? kSpacePiece.size : 1;
  }
}

}  // namespace inference
