#include "boot/boot_options.h"

#include <cstring>

namespace bf::boot {

char* OptionsText::add_room(usize bytes) {
  // One more for the end of the last line.
  if (bytes > room()) {
    overflowed_ = true;
    return nullptr;
  }
  char* room = text_ + bytes_;
  bytes_ += bytes;
  text_[bytes_++] = '\n';
  return room;
}

void OptionsText::add_lines(std::string_view text) {
  if (text.empty()) return;
  if (char* room = add_room(text.size())) std::memcpy(room, text.data(), text.size());
}

void OptionsText::add_words(std::string_view line) {
  while (!line.empty()) {
    const usize end = line.find(' ');
    const std::string_view word = line.substr(0, end);
    if (word.find('=') != std::string_view::npos) add_lines(word);
    if (word == "NO_COLOR") add_lines("NO_COLOR=1");
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
}

}  // namespace bf::boot
