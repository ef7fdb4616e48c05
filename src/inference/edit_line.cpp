#include "inference/edit_line.h"

#include "inference/utf8.h"

namespace inference {

u64 EditLine::columns(u64 bytes) const {
  u64 count = 0;
  for (u64 i = 0; i < bytes; ++i) count += utf8_continues(bytes_[i]) ? 0 : 1;
  return count;
}

u64 EditLine::previous(u64 at) const {
  if (at == 0) return 0;
  --at;
  while (at > 0 && utf8_continues(bytes_[at])) --at;
  return at;
}

u64 EditLine::following(u64 at) const {
  if (at == size_) return size_;
  ++at;
  while (at < size_ && utf8_continues(bytes_[at])) ++at;
  return at;
}

void EditLine::left() {
  cursor_ = previous(cursor_);
}

void EditLine::right() {
  cursor_ = following(cursor_);
}

void EditLine::insert(Text character) {
  if (character.size > kCapacity - size_) return;
  __builtin_memmove(bytes_ + cursor_ + character.size, bytes_ + cursor_, size_ - cursor_);
  copy_bytes(bytes_ + cursor_, character.data, character.size);
  size_ += character.size;
  cursor_ += character.size;
}

void EditLine::set(Text text) {
  size_ = cursor_ = min(text.size, kCapacity);
  copy_bytes(bytes_, text.data, size_);
}

void EditLine::erase(u64 first, u64 last) {
  __builtin_memmove(bytes_ + first, bytes_ + last, size_ - last);
  size_ -= last - first;
  cursor_ = first;
}

void EditLine::erase_word() {
  u64 start = cursor_;
  while (start > 0 && bytes_[start - 1] == ' ') --start;
  while (start > 0 && bytes_[start - 1] != ' ') --start;
  erase(start, cursor_);
}

}  // namespace inference
