#include "inference/detokenizer.h"

#include "inference/piece_text.h"
#include "inference/utf8.h"

namespace inference {

namespace {

// How many bytes a character takes that begins with this one; 1 for bytes that begin none.
u64 whole_bytes(char first) {
  const u8 byte = static_cast<u8>(first);
  return byte < 0xc2 || byte > 0xf4 ? 1 : utf8_length(first);
}

}  // namespace

// How many bytes do not belong to a character whose end is yet to come.
u64 Detokenizer::complete_bytes() const {
  const u64 size = bytes_.size();
  for (u64 back = 1; back <= min(size, u64{3}); ++back) {
    const char byte = bytes_[size - back];
    if (utf8_continues(byte)) continue;
    return whole_bytes(byte) > back ? size - back : size;
  }
  return size;
}

// The first `count` bytes go.
void Detokenizer::drop(u64 count) {
  for (u64 i = count; i < bytes_.size(); ++i) bytes_[i - count] = bytes_[i];
  bytes_.shrink(bytes_.size() - count);
}

Text Detokenizer::put(u32 token) {
  drop(given_);  // what the last call returned; what it held back moves to the front
  given_ = 0;
  // Where memory is short, the rest of the piece is lost.
  const bool whole = append_bytes(tokenizer_, token, bytes_);
  if (!whole || bytes_.empty()) return {};
  if (drop_space_ && bytes_[0] == ' ') drop(1);
  drop_space_ = false;
  given_ = complete_bytes();
  return {bytes_.data(), given_};
}

Text Detokenizer::finish() {
  const Text rest(bytes_.data() + given_, bytes_.size() - given_);
  given_ = bytes_.size();
  return rest;
}

}  // namespace inference
