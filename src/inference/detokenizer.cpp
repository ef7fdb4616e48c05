#include "inference/detokenizer.h"

#include "inference/piece_text.h"
#include "inference/utf8.h"

namespace inference {

void Detokenizer::add(char byte) {
  const bool dropped = drop_space_ && byte == ' ';
  drop_space_ = false;
  // Pieces of a sane vocabulary are far shorter; of others the rest is cut.
  if (!dropped && size_ < kCapacity) bytes_[size_++] = byte;
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
  each_byte(tokenizer_, token, [this](char byte) { add(byte); });
  given_ = complete_bytes();
  return {bytes_, given_};
}

Text Detokenizer::finish() {
  const Text rest(bytes_ + given_, size_ - given_);
  given_ = size_;
  return rest;
}

}  // namespace inference
