// A prompt line on a terminal: editing keys and a history.
//
//   LineEditor editor(input);
//   Text line;
//   while (editor.read_line("> ", line)) ...
//
// Draws with '\b' and spaces only, so it works on every console that knows them. A line that is longer
// than the console is wide (the blob "columns") shows the part around the cursor, with '<' and '>' where
// there is more: text goes to several consoles at once, which are not equally wide, so that a line that
// wraps could not be drawn again on all of them.
//
// Keys: arrows, Home, End, Delete, Backspace; by words with Control or Alt and an arrow, Alt-B F D and
// Alt-Backspace; Ctrl-A E B F D K U W P N; Ctrl-L (a clean screen), Ctrl-C (forget the line), Ctrl-D on an
// empty line (end).
#pragma once

#include "inference/edit_line.h"
#include "inference/input.h"

namespace inference {

class LineEditor {
 public:
  explicit LineEditor(Input& input) : input_(input) {}

  // False at the end of the input. The text is valid until the next call.
  bool read_line(Text prompt, Text& line);

 private:
  static constexpr u64 kHistoryLines = 32;

  enum class Outcome { Editing, Accepted, Abandoned, Ended };

  Outcome press(i32 byte);
  void press_escape_sequence();
  void press_meta(i32 byte);
  void insert(i32 first_byte);
  void browse(u64 back);
  void remember();
  void clear_screen();
  void measure();
  void draw();
  void scroll_to_cursor(u64 room);

  Input& input_;
  EditLine line_;
  EditLine draft_;          // the new line, while older ones are looked at
  Text prompt_;
  u64 room_ = 0;            // columns behind the prompt
  u64 first_ = 0;           // of the text that is shown
  u64 drawn_columns_ = 0;  // of the line, as it is on the screen
  u64 drawn_cursor_ = 0;
  List<char> history_[kHistoryLines];  // a ring
  u64 remembered_ = 0;          // lines ever put into it
  u64 browsing_ = 0;            // how many lines back; 0 is the new line
};

}  // namespace inference
