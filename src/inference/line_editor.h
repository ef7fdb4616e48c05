// A prompt line on a terminal: editing keys and a history.
//
//   LineEditor editor(input);
//   if (!editor.prepare()) ...          // memory is short
//   Text line;
//   while (editor.read_line("> ", line)) ...
//
// Draws with '\b' and spaces only, so it works on every console that knows them, the VGA text
// screen too. Keys: arrows, Home, End, Delete, Backspace, Ctrl-A E B F D K U W P N, Ctrl-C
// (forget the line), Ctrl-D on an empty line (end).
#pragma once

#include "inference/edit_line.h"
#include "inference/input.h"

namespace inference {

class LineEditor {
 public:
  explicit LineEditor(Input& input) : input_(input) {}

  // Room for the history.
  [[nodiscard]] bool prepare();

  // False at the end of the input. The text is valid until the next call.
  bool read_line(Text prompt, Text& line);

 private:
  static constexpr u64 kHistoryLines = 32;

  enum class Outcome { Editing, Accepted, Abandoned, Ended };

  Outcome press(i32 byte);
  void press_escape_sequence();
  void insert(i32 first_byte);
  void browse(u64 back);
  void remember();
  void draw();

  struct HistoryLine {
    u64 size;
    char bytes[EditLine::kCapacity];
  };

  Input& input_;
  EditLine line_;
  u64 drawn_columns_ = 0;  // of the line, as it is on the screen
  u64 drawn_cursor_ = 0;
  Array<HistoryLine> history_;  // a ring
  u64 remembered_ = 0;          // lines ever put into it
  u64 browsing_ = 0;            // how many lines back; 0 is the new line
};

}  // namespace inference
