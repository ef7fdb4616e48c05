// The line that is being typed: UTF-8 text and a cursor between two characters. Combining marks belong to
// the character before them.
//
//   EditLine line;
//   line.insert("é");
//   line.left();
//   line.text(), line.cursor()
//
// It knows nothing of keys and screens; line_editor.h brings these together.
#pragma once

#include "inference/list.h"

namespace inference {

class EditLine {
 public:
  static constexpr u64 kCapacity = 1 << 14;

  Text text() const { return {bytes_.data(), bytes_.size()}; }
  u64 cursor() const { return cursor_; }  // in bytes
  bool at_end() const { return cursor_ == bytes_.size(); }

  // Columns of a terminal that the bytes [first, last) take.
  u64 columns(u64 first, u64 last) const;
  // The offset behind as many characters from `first` on as fit into the columns.
  u64 fitting(u64 first, u64 columns) const;
  // The offset of the character before or behind `at`.
  u64 previous(u64 at) const;
  u64 following(u64 at) const;

  // At the cursor, which moves behind it; false if it does not fit any more.
  [[nodiscard]] bool insert(Text character);
  // Replaces everything; the cursor goes to the end. Cut to the capacity.
  void set(Text text);

  void left();
  void right();
  void home() { cursor_ = 0; }
  void end() { cursor_ = bytes_.size(); }
  void word_left() { cursor_ = word_start(); }
  void word_right() { cursor_ = word_end(); }

  void erase_before() { erase(previous(cursor_), cursor_); }
  void erase_at() { erase(cursor_, following(cursor_)); }
  void erase_to_end() { erase(cursor_, bytes_.size()); }
  void erase_to_start() { erase(0, cursor_); }
  void erase_word() { erase(word_start(), cursor_); }
  void erase_word_at() { erase(cursor_, word_end()); }

 private:
  // Of the word before the cursor, and of that behind it.
  u64 word_start() const;
  u64 word_end() const;
  u64 width_at(u64 at) const;
  void erase(u64 first, u64 last);

  List<char> bytes_;
  u64 cursor_ = 0;
};

}  // namespace inference
