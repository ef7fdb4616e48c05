#include "inference/detokenizer.h"

#include "inference/byte_alphabet.h"
#include "inference/unicode.h"
#include "inference/utf8.h"

namespace inference {

namespace {

constexpr Text kSpacePiece = "\xe2\x96\x81";  // U+2581

}  // namespace

void Detokenizer::add(char byte) {
  const bool dropped = drop_space_ && byte == ' ';
  drop_space_ = false;
  // Pieces of a sane vocabulary are far shorter; of others the rest is cut.
  if (!dropped && size_ < kCapacity) bytes_[size_++] = byte;
}

void Detokenizer::add_piece(Text piece) {
  for (u64 at = 0; at < piece.size;) {
    const bool is_space = starts_with(piece.from(at), kSpacePiece);
    add(is_space ? ' ' : piece[at]);
    at += is_space ? kSpacePiece.size : 1;
  }
}

// Letters of the byte alphabet are bytes; what is none stays what it is.
void Detokenizer::add_letters(Text piece) {
  for (u64 at = 0; at < piece.size;) {
    const Character letter = character_at(piece, at);
    const i32 byte = kByteAlphabet.byte(letter.code);
    if (byte >= 0) add(static_cast<char>(byte));
    for (u64 i = 0; byte < 0 && i < letter.bytes; ++i) add(piece[at + i]);
    at += letter.bytes;
  }
}

// How many bytes do not belong to a character whose end is yet to come.
u64 Detokenizer::complete_bytes() const {
  for (u64 back = 1; back <= min(size_, u64{3}); ++back) {
    const char byte = bytes_[size_ - back];
    if (utf8_continues(byte)) continue;
    return utf8_length(byte) > back ? size_ - back : size_;
  }
  return size_;
}

Text Detokenizer::put(u32 token) {
  // What the last call returned is gone now; what it held back moves to the front.
  for (u64 i = given_; i < size_; ++i) bytes_[i - given_] = bytes_[i];
  size_ -= given_;
  switch (tokenizer_.type(token)) {
    case TokenType::Byte:
      add(static_cast<char>(tokenizer_.byte(token)));
      break;
    case TokenType::Control:
    case TokenType::Unused:
    case TokenType::Unknown:
      break;
    case TokenType::UserDefined:
      for (char byte : tokenizer_.piece(token)) add(byte);
      break;
    default:
      if (tokenizer_.byte_level())
        add_letters(tokenizer_.piece(token));
      else
        add_piece(tokenizer_.piece(token));
      break;
  }
  given_ = complete_bytes();
  return {bytes_, given_};
}

Text Detokenizer::finish() {
  const Text rest(bytes_ + given_, size_ - given_);
  given_ = size_;
  return rest;
}

}  // namespace inference
