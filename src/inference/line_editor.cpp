#include "inference/line_editor.h"

#include "inference/utf8.h"

namespace inference {

namespace {

constexpr i32 ctrl(char letter) {
  return letter - 'A' + 1;
}
constexpr i32 kBackspace = 0x08, kDelete = 0x7f;

void show(Text text) {
  bf_write(BF_STREAM_TEXT, text.data, text.size);
}

void show_repeated(char byte, u64 count) {
  char bytes[64];
  for (char& b : bytes) b = byte;
  for (; count > 0; count -= min<u64>(count, sizeof bytes))
    show({bytes, min<u64>(count, sizeof bytes)});
}

}  // namespace

bool LineEditor::prepare() {
  return history_.allocate(kHistoryLines);
}

bool LineEditor::read_line(Text prompt, Text& line) {
  for (;;) {
    line_.set("");
    drawn_columns_ = drawn_cursor_ = browsing_ = 0;
    show(prompt);
    Outcome outcome;
    do outcome = press(input_.next());
    while (outcome == Outcome::Editing);
    show("\n");
    if (outcome == Outcome::Abandoned) continue;
    if (outcome == Outcome::Ended) return false;
    remember();
    line = line_.text();
    return true;
  }
}

LineEditor::Outcome LineEditor::press(i32 byte) {
  switch (byte) {
    case key::kEnd:
      return Outcome::Ended;
    case key::kInterrupt:
      return Outcome::Abandoned;
    case key::kEndOfText:
      if (line_.text().empty()) return Outcome::Ended;
      line_.erase_at();
      break;
    case '\r':
    case '\n':
      return Outcome::Accepted;
    case kBackspace:
    case kDelete:
      line_.erase_before();
      break;
    case ctrl('A'):
      line_.home();
      break;
    case ctrl('B'):
      line_.left();
      break;
    case ctrl('E'):
      line_.end();
      break;
    case ctrl('F'):
      line_.right();
      break;
    case ctrl('K'):
      line_.erase_to_end();
      break;
    case ctrl('N'):
      browse(browsing_ - 1);
      break;
    case ctrl('P'):
      browse(browsing_ + 1);
      break;
    case ctrl('U'):
      line_.erase_to_start();
      break;
    case ctrl('W'):
      line_.erase_word();
      break;
    case key::kEscape:
      press_escape_sequence();
      break;
    default:
      if (byte >= ' ') insert(byte);
      return Outcome::Editing;
  }
  draw();
  return Outcome::Editing;
}

// ESC [ letter, ESC O letter, or ESC [ digits ~ (ECMA-48, as xterm sends them).
void LineEditor::press_escape_sequence() {
  const i32 introducer = input_.next();
  if (introducer != '[' && introducer != 'O') return;
  i32 byte = input_.next();
  i32 number = 0;
  for (; (byte >= '0' && byte <= '9') || byte == ';'; byte = input_.next())
    number = byte == ';' ? number : (number * 10 + byte - '0') % 1000;
  switch (byte) {
    case 'A':
      browse(browsing_ + 1);
      break;
    case 'B':
      browse(browsing_ - 1);
      break;
    case 'C':
      line_.right();
      break;
    case 'D':
      line_.left();
      break;
    case 'H':
      line_.home();
      break;
    case 'F':
      line_.end();
      break;
    case '~':
      if (number == 1 || number == 7) line_.home();
      if (number == 4 || number == 8) line_.end();
      if (number == 3) line_.erase_at();
      break;
    default:
      break;
  }
}

// A character goes in whole, so that the cursor never stands inside one.
void LineEditor::insert(i32 first_byte) {
  char bytes[4] = {static_cast<char>(first_byte)};
  const u64 length = utf8_length(bytes[0]);
  for (u64 i = 1; i < length; ++i) {
    const i32 byte = input_.next();
    if (byte == key::kEnd) return;
    bytes[i] = static_cast<char>(byte);
    if (!utf8_continues(bytes[i])) return;  // not UTF-8: both bytes are dropped
  }
  const bool appends = line_.at_end() && drawn_cursor_ == drawn_columns_;
  const u64 before = line_.text().size;
  line_.insert({bytes, length});
  // What is typed at the end needs no redrawing.
  if (!appends || line_.text().size == before) return draw();
  show({bytes, length});
  drawn_cursor_ = ++drawn_columns_;
}

void LineEditor::remember() {
  const Text text = line_.text();
  if (text.empty()) return;
  HistoryLine& place = history_[remembered_++ % kHistoryLines];
  place.size = text.size;
  copy_bytes(place.bytes, text.data, text.size);
}

// Shows the line that was entered `back` lines ago; where there is none, nothing happens.
void LineEditor::browse(u64 back) {
  if (back > min(remembered_, kHistoryLines)) return;
  browsing_ = back;
  if (back == 0) return line_.set("");
  const HistoryLine& old = history_[(remembered_ - back) % kHistoryLines];
  line_.set({old.bytes, old.size});
}

void LineEditor::draw() {
  const Text text = line_.text();
  const u64 columns = line_.columns(text.size);
  const u64 cursor = line_.columns(line_.cursor());
  show_repeated('\b', drawn_cursor_);
  show(text);
  const u64 erased = drawn_columns_ > columns ? drawn_columns_ - columns : 0;
  show_repeated(' ', erased);
  show_repeated('\b', columns + erased - cursor);
  drawn_columns_ = columns;
  drawn_cursor_ = cursor;
}

}  // namespace inference
