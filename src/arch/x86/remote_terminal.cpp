#include "arch/x86/remote_terminal.h"

#include <cstdio>

namespace bf::x86 {

namespace {

constexpr char kEscape = 0x1b;
constexpr u32 kMostColumns = 500, kMostRows = 500;

// The bytes of the first `columns` characters; all of them take one column in our status lines.
std::string_view cut(std::string_view text, u32 columns) {
  usize at = 0;
  for (; at < text.size(); ++at) {
    const bool begins = (static_cast<u8>(text[at]) & 0xc0) != 0x80;
    if (begins && columns-- == 0) break;
  }
  return text.substr(0, at);
}

}  // namespace

void RemoteTerminal::release() {
  for (u32 i = 0; i < held_count_; ++i)
    if (count_ < sizeof bytes_) bytes_[(first_ + count_++) % sizeof bytes_] = held_[i];
  held_count_ = 0;
}

void RemoteTerminal::take(u8 byte, u64 now_ns) {
  const char c = static_cast<char>(byte);
  if (c == kEscape) {
    release();
    held_since_ns_ = now_ns;
  }
  held_[held_count_++] = c;
  if (held_[0] != kEscape) return release();
  if (held_count_ == 1) return;
  if (held_count_ == 2 ? c == '[' : (c >= '0' && c <= '9') || c == ';') {
    if (held_count_ == kMostHeld) release();
    return;
  }
  if (c == 't' && is_answer()) held_count_ = 0;
  release();
}

// ESC [ 8 or 48 ; rows ; columns
bool RemoteTerminal::is_answer() {
  u32 numbers[3] = {}, count = 0;
  for (u32 i = 2; i + 1 < held_count_ && count < 3; ++i) {
    if (held_[i] == ';') ++count;
    else numbers[count] = numbers[count] * 10 % 100'000 + static_cast<u32>(held_[i] - '0');
  }
  const bool is_size = numbers[0] == 8 || numbers[0] == 48;
  if (is_size && numbers[1] >= 2 && numbers[1] <= kMostRows && numbers[2] >= 10 && numbers[2] <= kMostColumns) {
    size_changed_ = rows_ != numbers[1] || columns_ != numbers[2];
    rows_ = numbers[1];
    columns_ = numbers[2];
  }
  return is_size;
}

int RemoteTerminal::next(u64 now_ns) {
  if (count_ == 0 && held_count_ > 0 && now_ns - held_since_ns_ > kKeyAfterNs) release();
  if (count_ == 0) return -1;
  const char c = bytes_[first_];
  first_ = (first_ + 1) % sizeof bytes_;
  --count_;
  return static_cast<u8>(c);
}

// Setting the rows that scroll (DECSTBM) takes the cursor to the top, so it is kept (DECSC) and put back
// (DECRC); a cursor in the last row goes up first.
std::string_view RemoteTerminal::status(std::string_view line, std::span<char, kStatusRoom> room) {
  const std::string_view shown = cut(line, columns_);
  const bool begins = !status_shown_ || size_changed_;
  status_shown_ = true;
  size_changed_ = false;
  char region[48] = "";
  if (begins) std::snprintf(region, sizeof region, "\x1b[1;%ur", rows_ - 1);
  const int bytes = std::snprintf(room.data(), room.size(), "%s\x1b""7%s\x1b[%u;1H\x1b[7m%.*s\x1b[K\x1b[0m\x1b""8",
                                  begins ? "\x1b""D\x1b[A" : "", region, rows_,
                                  static_cast<int>(shown.size() < 800 ? shown.size() : 800), shown.data());
  return {room.data(), static_cast<usize>(bytes)};
}

std::string_view RemoteTerminal::end_status(std::span<char, kStatusRoom> room) {
  if (!status_shown_) return {};
  status_shown_ = false;
  const int bytes = std::snprintf(room.data(), room.size(), "\x1b""7\x1b[r\x1b[%u;1H\x1b[2K\x1b""8", rows_);
  return {room.data(), static_cast<usize>(bytes)};
}

}  // namespace bf::x86
