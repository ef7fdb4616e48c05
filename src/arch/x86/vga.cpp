#include "arch/x86/vga.h"

#include <cstring>

#include "arch/x86/port_io.h"

namespace bf::x86 {

namespace {

constexpr u16 kBlank = 0x0700 | ' ';  // light grey on black
constexpr u32 kTabColumns = 8;
constexpr u32 kMaxCells = 16 * 1024;  // the text window at 0xb8000 has 32 KiB

class Screen {
 public:
  void start(u16* memory, u32 columns, u32 rows) {
    if (columns == 0 || rows == 0 || columns > 255 || rows > kMaxCells / columns) return;
    memory_ = memory;
    columns_ = columns;
    rows_ = rows;
    fill(0, columns * rows);
    move_cursor();
  }

  void write(std::string_view bytes) {
    if (memory_ == nullptr) return;
    for (const char c : bytes) put(static_cast<u8>(c));
    move_cursor();
  }

 private:
  enum class State : u8 { Text, Escape, Sequence };

  void fill(u32 first, u32 count) {
    for (u32 i = first; i < first + count; ++i) memory_[i] = kBlank;
  }

  void put(u8 byte) {
    if (state_ != State::Text) return put_in_sequence(byte);
    switch (byte) {
      case '\n':
        return new_line();
      case '\r':
        column_ = 0;
        return;
      case '\b':
        column_ -= column_ > 0 ? 1 : 0;
        return;
      case '\t':
        column_ = column_ / kTabColumns * kTabColumns + kTabColumns;
        return wrap();
      case 0x1b:
        state_ = State::Escape;
        return;
      default:
        break;
    }
    const bool continues_utf8 = (byte & 0xc0) == 0x80;
    if (byte < ' ' || continues_utf8) return;
    wrap();
    memory_[row_ * columns_ + column_++] = 0x0700 | (byte < 0x7f ? byte : '?');
  }

  // A full line wraps only when its next character comes, as terminals do.
  void wrap() {
    if (column_ >= columns_) new_line();
  }

  void new_line() {
    column_ = 0;
    if (++row_ < rows_) return;
    row_ = rows_ - 1;
    std::memmove(memory_, memory_ + columns_, row_ * columns_ * sizeof(u16));
    fill(row_ * columns_, columns_);
  }

  // ECMA-48: ESC [ parameters final.
  void put_in_sequence(u8 byte) {
    if (state_ == State::Escape) {
      state_ = byte == '[' ? State::Sequence : State::Text;
      parameter_ = 0;
      return;
    }
    if (byte >= '0' && byte <= '9') {
      parameter_ = parameter_ < 1000 ? parameter_ * 10 + (byte - '0') : parameter_;
      return;
    }
    if (byte < 0x40) return;
    state_ = State::Text;
    const u32 count = parameter_ == 0 ? 1 : parameter_;
    if (byte == 'C') column_ = column_ + count < columns_ ? column_ + count : columns_ - 1;
    if (byte == 'D') column_ = column_ > count ? column_ - count : 0;
    if (byte == 'K' && column_ < columns_) fill(row_ * columns_ + column_, columns_ - column_);
  }

  void move_cursor() {
    // The CRT controller's cursor location (VGA registers 3D4 index 0E and 0F).
    const u32 shown = column_ < columns_ ? column_ : columns_ - 1;
    const u32 position = row_ * columns_ + shown;
    out16(0x3d4, static_cast<u16>(0x0e | (position & 0xff00)));
    out16(0x3d4, static_cast<u16>(0x0f | (position & 0xff) << 8));
  }

  u16* memory_ = nullptr;
  u32 columns_ = 0, rows_ = 0;
  u32 column_ = 0, row_ = 0;
  u32 parameter_ = 0;
  State state_ = State::Text;
};

constinit Screen screen;

}  // namespace

void start_screen(u16* memory, u32 columns, u32 rows) {
  screen.start(memory, columns, rows);
}

void write_to_screen(std::string_view bytes) {
  screen.write(bytes);
}

}  // namespace bf::x86
