#include "inference/edit_line.h"

#include "inference/character_width.h"
#include "inference/utf8.h"

namespace inference {

// Of the character that begins there.
u64 EditLine::width_at(u64 at) const {
  const u64 length = min(utf8_length(bytes_[at]), bytes_.size() - at);
  u32 character = static_cast<u8>(bytes_[at]);
  if (length > 1) character &= 0x7fu >> length;
  for (u64 i = 1; i < length; ++i) character = character << 6 | (static_cast<u8>(bytes_[at + i]) & 0x3f);
  return character_width(character);
}

u64 EditLine::columns(u64 first, u64 last) const {
  u64 count = 0;
  for (u64 i = first; i < last; ++i) count += utf8_continues(bytes_[i]) ? 0 : width_at(i);
  return count;
}

u64 EditLine::fitting(u64 first, u64 columns) const {
  u64 at = first;
  for (u64 next; at < bytes_.size(); at = next) {
    next = following(at);
    const u64 width = this->columns(at, next);
    if (width > columns) break;
    columns -= width;
  }
  return at;
}

u64 EditLine::previous(u64 at) const {
  while (at > 0) {
    --at;
    if (!utf8_continues(bytes_[at]) && width_at(at) > 0) break;
  }
  return at;
}

u64 EditLine::following(u64 at) const {
  if (at == bytes_.size()) return at;
  ++at;
  while (at < bytes_.size() && (utf8_continues(bytes_[at]) || width_at(at) == 0)) ++at;
  return at;
}

u64 EditLine::word_start() const {
  u64 start = cursor_;
  while (start > 0 && bytes_[start - 1] == ' ') --start;
  while (start > 0 && bytes_[start - 1] != ' ') --start;
  return start;
}

u64 EditLine::word_end() const {
  u64 end = cursor_;
  while (end < bytes_.size() && bytes_[end] == ' ') ++end;
  while (end < bytes_.size() && bytes_[end] != ' ') ++end;
  return end;
}

void EditLine::left() {
  cursor_ = previous(cursor_);
}

void EditLine::right() {
  cursor_ = following(cursor_);
}

bool EditLine::insert(Text character) {
  const u64 size = bytes_.size();
  if (character.size > kCapacity - size) return false;
  for (const char byte : character)
    if (!bytes_.add(byte)) return bytes_.shrink(size), false;
  __builtin_memmove(&bytes_[cursor_ + character.size], &bytes_[cursor_], size - cursor_);
  copy_bytes(&bytes_[cursor_], character.data, character.size);
  cursor_ += character.size;
  return true;
}

void EditLine::set(Text text) {
  bytes_.clear();
  cursor_ = 0;
  for (const char byte : text.first(min(text.size, kCapacity)))
    if (!bytes_.add(byte)) break;
  cursor_ = bytes_.size();
}

void EditLine::erase(u64 first, u64 last) {
  if (first == last) return;
  __builtin_memmove(&bytes_[first], bytes_.data() + last, bytes_.size() - last);
  bytes_.shrink(bytes_.size() - (last - first));
  cursor_ = first;
}

}  // namespace inference
