#include "inference/transcript.h"

namespace inference {

// Forgets what is oldest, up to the end of a line, and at least half.
void Transcript::make_room(u64 bytes) {
  u64 from = max(bytes_.size() / 2, size_ + bytes - bytes_.size());
  while (from < size_ && bytes_[from - 1] != '\n') ++from;
  for (u64 i = from; i < size_; ++i) bytes_[i - from] = bytes_[i];
  size_ -= min(from, size_);
}

void Transcript::add(Text text) {
  if (text.size > bytes_.size()) text = text.from(text.size - bytes_.size());
  if (text.size > bytes_.size() - size_) make_room(text.size);
  if (text.size > 0) copy_bytes(bytes_.data() + size_, text.data, text.size);
  size_ += text.size;
}

}  // namespace inference
