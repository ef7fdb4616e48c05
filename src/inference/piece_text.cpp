#include "inference/piece_text.h"

#include "inference/byte_alphabet.h"
#include "inference/unicode.h"

namespace inference {

namespace {

constexpr Text kSpacePiece = "\xe2\x96\x81";  // U+2581

bool append(Text text, List<char>& to) {
  bool fits = true;
  for (const char byte : text) fits = fits && to.add(byte);
  return fits;
}

// Letters of the byte alphabet are bytes; what is none stays what it is.
bool append_letters(Text piece, List<char>& to) {
  bool fits = true;
  for (u64 at = 0; at < piece.size;) {
    const Character letter = character_at(piece, at);
    const i32 value = kByteAlphabet.byte(letter.code);
    const char byte = static_cast<char>(value);
    fits = fits && append(value >= 0 ? Text(&byte, 1) : Text(piece.data + at, letter.bytes), to);
    at += letter.bytes;
  }
  return fits;
}

bool append_with_spaces(Text piece, List<char>& to) {
  bool fits = true;
  for (u64 at = 0; at < piece.size;) {
    const bool is_space = starts_with(piece.from(at), kSpacePiece);
    fits = fits && to.add(is_space ? ' ' : piece[at]);
    at += is_space ? kSpacePiece.size : 1;
  }
  return fits;
}

}  // namespace

bool append_bytes(const Tokenizer& tokenizer, u32 token, List<char>& to) {
  const Text piece = tokenizer.piece(token);
  switch (tokenizer.type(token)) {
    case TokenType::Byte:
      return to.add(static_cast<char>(tokenizer.byte(token)));
    case TokenType::Control:
    case TokenType::Unused:
    case TokenType::Unknown:
      return true;
    case TokenType::UserDefined:
      return append(piece, to);
    default:
      return tokenizer.byte_level() ? append_letters(piece, to) : append_with_spaces(piece, to);
  }
}

}  // namespace inference
