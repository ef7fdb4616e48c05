// The terminal at the other end of a serial line, as far as it has said something: its size, and a
// status line at its bottom. Only for lines that the option `terminal=ansi` says have one.
//
//   RemoteTerminal terminal;
//   port.write(RemoteTerminal::kAskSize);
//   terminal.take(byte, now_ns);                   // each byte that comes
//   while ((byte = terminal.next(now_ns)) >= 0) ...  // what of it is not the terminal's own answer
//   port.write(terminal.status(" 12 tokens ", room));
//
// Answers are ESC [ 8 ; rows ; columns t (xterm's window operation 18), and ESC [ 48 ; rows ; columns ;
// ... t, which a terminal or ./bareflow run sends by itself when its size has changed.
#pragma once

#include <span>
#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

class RemoteTerminal {
 public:
  static constexpr std::string_view kAskSize = "\x1b[18t";
  static constexpr usize kStatusRoom = 1024;

  void take(u8 byte, u64 now_ns);
  // -1: nothing is there, or what is there may yet become an answer. An Escape that nothing has
  // followed for a moment is a key.
  int next(u64 now_ns);

  // Whether another byte can be taken without losing one.
  bool has_room() const { return count_ + kMostHeld < sizeof bytes_; }

  u32 columns() const { return columns_; }
  u32 rows() const { return rows_; }

  // What shows the line: cut to the width, in the last row, which does not scroll any more.
  std::string_view status(std::string_view line, std::span<char, kStatusRoom> room);
  // What takes it away again; empty if there is none.
  std::string_view end_status(std::span<char, kStatusRoom> room);

 private:
  static constexpr u32 kMostHeld = 32;
  static constexpr u64 kKeyAfterNs = 30'000'000;

  void release();
  bool is_answer();

  u32 columns_ = 80, rows_ = 24;
  bool size_changed_ = false;
  bool status_shown_ = false;
  char bytes_[256] = {};  // a ring of what has been released
  u32 first_ = 0, count_ = 0;
  char held_[kMostHeld] = {};  // begins with ESC
  u32 held_count_ = 0;
  u64 held_since_ns_ = 0;
};

}  // namespace bf::x86
