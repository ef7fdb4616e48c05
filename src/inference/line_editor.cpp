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

// How much of a line is seen: one column is left to the cursor behind it.
void LineEditor::measure() {
  constexpr u64 kUsual = 80, kLeast = 20;
  u64 size = 0, columns = 0;
  const Text name = "columns";
  const auto* digits = static_cast<const char*>(bf_blob(name.data, name.size, &size));
  for (u64 i = 0; i < size && i < 4; ++i) columns = columns * 10 + static_cast<u64>(digits[i] - '0');
  if (columns == 0) columns = kUsual;
  room_ = max(columns, kLeast) - min<u64>(prompt_.size, kLeast / 2) - 1;
}

bool LineEditor::read_line(Text prompt, Text& line) {
  prompt_ = prompt;
  for (;;) {
    line_.set("");
    drawn_columns_ = drawn_cursor_ = browsing_ = first_ = 0;
    measure();
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
    case ctrl('L'):
      clear_screen();
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

void LineEditor::clear_screen() {
  show("\x1b[H\x1b[2J");
  show(prompt_);
  drawn_columns_ = drawn_cursor_ = 0;
}

// A key with Alt: ESC before it.
void LineEditor::press_meta(i32 byte) {
  if (byte == 'b' || byte == 'B') line_.word_left();
  if (byte == 'f' || byte == 'F') line_.word_right();
  if (byte == 'd' || byte == 'D') line_.erase_word_at();
  if (byte == kBackspace || byte == kDelete) line_.erase_word();
}

// ESC [ letter, ESC O letter, ESC [ digits ~, or with ; and a digit for what is held besides (ECMA-48, as
// xterm sends them).
void LineEditor::press_escape_sequence() {
  const i32 introducer = input_.next();
  if (introducer != '[' && introducer != 'O') return press_meta(introducer);
  i32 byte = input_.next();
  i32 numbers[2] = {};  // the last one counts on: more are not known
  u64 count = 0;
  for (; (byte >= '0' && byte <= '9') || byte == ';'; byte = input_.next()) {
    if (byte == ';') count = 1;
    else numbers[count] = (numbers[count] * 10 + byte - '0') % 1000;
  }
  const i32 number = numbers[0];
  const bool by_word = numbers[1] >= 3;  // 2 is Shift alone
  switch (byte) {
    case 'A':
      browse(browsing_ + 1);
      break;
    case 'B':
      browse(browsing_ - 1);
      break;
    case 'C':
      by_word ? line_.word_right() : line_.right();
      break;
    case 'D':
      by_word ? line_.word_left() : line_.left();
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
  if (!line_.insert({bytes, length})) return show("\a");
  // What is typed at the end needs no redrawing.
  const u64 width = line_.columns(before, line_.text().size);
  if (!appends || line_.text().size == before || drawn_columns_ + width > room_) return draw();
  show({bytes, length});
  drawn_cursor_ = drawn_columns_ += width;
}

void LineEditor::remember() {
  const Text text = line_.text();
  if (text.empty()) return;
  List<char>& place = history_[remembered_++ % kHistoryLines];
  place.clear();
  for (const char byte : text)
    if (!place.add(byte)) break;
}

// Shows the line that was entered `back` lines ago; where there is none, nothing happens.
void LineEditor::browse(u64 back) {
  if (back > min(remembered_, kHistoryLines)) return;
  if (browsing_ == 0) draft_.set(line_.text());
  browsing_ = back;
  first_ = 0;
  if (back == 0) return line_.set(draft_.text());
  const List<char>& old = history_[(remembered_ - back) % kHistoryLines];
  line_.set({old.data(), old.size()});
}

// The first byte that is seen, so that the cursor is: as it was, or with the cursor in the middle.
void LineEditor::scroll_to_cursor(u64 room) {
  const u64 size = line_.text().size, cursor = line_.cursor();
  if (line_.columns(0, size) <= room) first_ = 0;
  // '<' takes a column in front, '>' one behind.
  const bool is_left = first_ >= cursor && first_ > 0;
  if (!is_left && first_ <= size && line_.columns(min(first_, cursor), cursor) + 2 <= room) return;
  if (line_.columns(0, size) <= room) return;
  for (first_ = cursor; first_ > 0;) {
    const u64 before = line_.previous(first_);
    if (line_.columns(before, cursor) > room / 2) break;
    first_ = before;
  }
}

void LineEditor::draw() {
  scroll_to_cursor(room_);
  const Text text = line_.text();
  const u64 left = first_ > 0 ? 1 : 0;
  u64 last = line_.fitting(first_, room_ - left);
  const bool cut = last < text.size;
  if (cut) last = line_.fitting(first_, room_ - left - 1);
  const u64 columns = left + line_.columns(first_, last) + (cut ? 1 : 0);
  const u64 cursor = left + line_.columns(first_, line_.cursor());
  show_repeated('\b', drawn_cursor_);
  if (left > 0) show("<");
  show({text.data + first_, last - first_});
  if (cut) show(">");
  const u64 erased = drawn_columns_ > columns ? drawn_columns_ - columns : 0;
  show_repeated(' ', erased);
  show_repeated('\b', columns + erased - cursor);
  drawn_columns_ = columns;
  drawn_cursor_ = cursor;
}

}  // namespace inference
