#include "arch/x86/screen/terminal.h"

#include <cstring>

#include "arch/x86/screen/character_width.h"
#include "arch/x86/screen/font.h"

namespace bf::x86 {

namespace {

constexpr u32 kTabColumns = 8;
constexpr u32 kEscape = 0x1b, kCancel = 0x18, kSubstitute = 0x1a, kDelete = 0x7f;
constexpr u32 kMostParameter = 9999;

constexpr u32 least_of(u32 a, u32 b) {
  return a < b ? a : b;
}

// The nearest of the first sixteen colours.
u8 nearest_colour(u32 red, u32 green, u32 blue) {
  const u32 most = red > green ? (red > blue ? red : blue) : (green > blue ? green : blue);
  if (most < 40) return 0;
  const u32 half = most / 2 + most / 8;
  const u32 hue = (red >= half ? 1 : 0) | (green >= half ? 2 : 0) | (blue >= half ? 4 : 0);
  if (hue == 7) return most > 224 ? 15 : most > 144 ? 7 : 8;
  return static_cast<u8>(hue | (most > 192 ? kBright : 0));
}

// Of xterm's 256: sixteen, a cube of six levels, 24 greys.
u8 nearest_of_256(u32 number) {
  if (number < 16) return static_cast<u8>(number);
  if (number >= 232) {
    const u32 grey = 8 + (number - 232) * 10;
    return nearest_colour(grey, grey, grey);
  }
  const auto level = [](u32 step) { return step == 0 ? 0 : 55 + step * 40; };
  const u32 cube = number - 16;
  return nearest_colour(level(cube / 36), level(cube / 6 % 6), level(cube % 6));
}

}  // namespace

void Terminal::start(Cell* cells, u32 columns, u32 rows, Colours colours) {
  BF_ASSERT(columns >= 2 && rows >= 1);
  cells_ = cells;
  columns_ = columns;
  rows_ = most_rows_ = rows;
  colours_ = colours;
  reset();
}

void Terminal::reset() {
  pen_ = {};
  saved_ = {};
  row_ = column_ = 0;
  top_ = 0;
  bottom_ = rows_;
  wraps_ = false;
  cursor_shown_ = wrap_mode_ = true;
  change_pen();
  for (u32 row = 0; row < most_rows_; ++row) erase(row, 0, columns_);
}

void Terminal::set_usual_foreground(u8 colour) {
  usual_foreground_ = colour;
  change_pen();
}

void Terminal::set_rows(u32 rows) {
  rows = rows < 1 ? 1 : least_of(rows, most_rows_);
  if (row_ >= rows) {
    scroll(0, rows_, row_ - rows + 1, true);
    row_ = rows - 1;
  }
  const u32 before = rows_;
  rows_ = rows;
  for (u32 row = before; row < rows; ++row) erase(row, 0, columns_);
  top_ = 0;
  bottom_ = rows;
}

Terminal::RowRange Terminal::take_changes() {
  const RowRange range = {changed_first_, changed_last_};
  changed_first_ = changed_last_ = 0;
  return range;
}

void Terminal::changed(u32 first, u32 last) {
  if (changed_first_ == changed_last_) {
    changed_first_ = first;
    changed_last_ = last;
    return;
  }
  if (first < changed_first_) changed_first_ = first;
  if (last > changed_last_) changed_last_ = last;
}

void Terminal::write(std::string_view bytes) {
  for (const char byte : bytes)
    decoder_.put(static_cast<u8>(byte), [this](u32 character) { put(character); });
}

void Terminal::put(u32 character) {
  // Control characters do what they do wherever they come, also inside of a sequence.
  if (character == kEscape) {
    state_ = state_ == State::String ? State::StringEscape : State::Escape;
    return;
  }
  if (character < ' ') return put_control(character);
  switch (state_) {
    case State::Text:
      return put_text(character);
    case State::Escape:
      return put_escape(character);
    case State::EscapeIntermediate:
      if (character >= 0x30) state_ = State::Text;
      return;
    case State::Sequence:
      return put_in_sequence(character);
    case State::String:
      return;
    case State::StringEscape:
      state_ = State::Text;  // ESC \ ends it; so does any other escape
      if (character != '\\') put_escape(character);
      return;
  }
}

void Terminal::put_control(u32 character) {
  // Strings hold no control characters: one that was never ended must not eat the text.
  if (state_ == State::String || state_ == State::StringEscape) state_ = State::Text;
  switch (character) {
    case '\n':
    case '\v':
    case '\f':
      column_ = 0;
      return new_line();
    case '\r':
      column_ = 0;
      wraps_ = false;
      return;
    case '\b':
      column_ -= column_ > 0 ? 1 : 0;
      wraps_ = false;
      return;
    case '\t':
      column_ = least_of(column_ / kTabColumns * kTabColumns + kTabColumns, columns_ - 1);
      return;
    case kCancel:
    case kSubstitute:
      state_ = State::Text;
      return;
    default:
      return;
  }
}

// ---- Text ---------------------------------------------------------------------------------

void Terminal::change_pen() {
  u32 foreground = pen_.usual ? usual_foreground_ : pen_.foreground, background = pen_.background;
  if (pen_.bold && foreground < kBright) foreground += kBright;
  if (pen_.dim && pen_.usual) foreground = kBright;
  if (pen_.inverse) {
    const u32 swapped = foreground;
    foreground = background;
    background = swapped;
  }
  pen_cell_.foreground = foreground & 15;
  pen_cell_.background = background & 15;
  pen_cell_.underlined = pen_.underlined ? 1 : 0;
}

void Terminal::put_text(u32 character) {
  if (character >= kDelete && character < 0xa0) return;  // DEL and the C1 control characters
  const u32 width = character_width(character);
  if (width == 0) return join(character);
  if (wraps_ || column_ + width > columns_) {
    if (wrap_mode_) {
      column_ = 0;
      new_line();
    } else {
      column_ = columns_ - width;
    }
    wraps_ = false;
  }
  part_wide(row_, column_, column_ + width);
  Cell cell = pen_cell_;
  cell.character = character;
  if (width == 2) {
    cell.half = static_cast<u32>(Half::Right);
    at(row_, column_ + 1) = cell;
    cell.half = static_cast<u32>(Half::Left);
  }
  at(row_, column_) = cell;
  changed(row_, row_ + 1);
  column_ += width;
  if (column_ == columns_) {
    column_ = columns_ - 1;
    wraps_ = true;
  }
}

// A combining mark goes to the character before the cursor.
void Terminal::join(u32 mark) {
  if (column_ == 0) return;
  const u32 column = wraps_ ? column_ : column_ - 1;
  Cell& cell = at(row_, column);
  if (static_cast<Half>(u32{cell.half}) != Half::None) return;
  if (const u32 both = composed(cell.character, mark)) {
    cell.character = both;
    changed(row_, row_ + 1);
  }
}

Cell Terminal::blank() const {
  Cell cell = kBlankCell;
  cell.background = pen_.background & 15;
  return cell;
}

// Cells [first, last) are about to change: a character of two cells of which only one is among them
// is gone.
void Terminal::part_wide(u32 row, u32 first, u32 last) {
  const auto clear = [&](u32 column) {
    at(row, column).character = ' ';
    at(row, column).half = 0;
  };
  if (first > 0 && first < columns_ && static_cast<Half>(u32{at(row, first).half}) == Half::Right)
    clear(first - 1);
  if (last > 0 && last < columns_ && static_cast<Half>(u32{at(row, last).half}) == Half::Right)
    clear(last);
}

// ---- Moving and erasing -------------------------------------------------------------------

void Terminal::new_line() {
  wraps_ = false;
  if (row_ + 1 == bottom_) scroll(top_, bottom_, 1, true);
  else if (row_ + 1 < rows_) ++row_;
}

void Terminal::reverse_line() {
  wraps_ = false;
  if (row_ == top_) scroll(top_, bottom_, 1, false);
  else if (row_ > 0) --row_;
}

void Terminal::scroll(u32 first, u32 last, u32 count, bool up) {
  count = least_of(count, last - first);
  const u32 kept = last - first - count;
  const u32 from = up ? first + count : first, to = up ? first : first + count;
  std::memmove(&at(to, 0), &at(from, 0), usize{kept} * columns_ * sizeof(Cell));
  const u32 opened = up ? first + kept : first;
  for (u32 row = opened; row < opened + count; ++row) erase(row, 0, columns_);
  changed(first, last);
}

void Terminal::shift_rows(u32 count, bool insert) {
  if (row_ < top_ || row_ >= bottom_) return;
  scroll(row_, bottom_, count, !insert);
  column_ = 0;
  wraps_ = false;
}

void Terminal::shift_cells(u32 count, bool insert) {
  count = least_of(count, columns_ - column_);
  const u32 kept = columns_ - column_ - count;
  const u32 from = insert ? column_ : column_ + count, to = insert ? column_ + count : column_;
  part_wide(row_, column_, insert ? column_ : column_ + count);
  if (insert) part_wide(row_, column_ + kept, columns_);
  std::memmove(&at(row_, to), &at(row_, from), kept * sizeof(Cell));
  const u32 opened = insert ? column_ : column_ + kept;
  for (u32 column = opened; column < opened + count; ++column) at(row_, column) = blank();
  wraps_ = false;
  changed(row_, row_ + 1);
}

void Terminal::erase(u32 row, u32 first, u32 last) {
  last = least_of(last, columns_);
  if (first >= last) return;
  part_wide(row, first, last);
  const Cell cell = blank();
  for (u32 column = first; column < last; ++column) at(row, column) = cell;
  changed(row, row + 1);
}

void Terminal::erase_line(u32 what) {
  erase(row_, what == 0 ? column_ : 0, what == 1 ? column_ + 1 : columns_);
  wraps_ = false;
}

void Terminal::erase_display(u32 what) {
  if (what > 3) return;
  for (u32 row = what == 0 ? row_ + 1 : 0; row < (what == 1 ? row_ : rows_); ++row)
    erase(row, 0, columns_);
  if (what < 2) erase_line(what);
}

void Terminal::move_to(u32 row, u32 column) {
  row_ = least_of(row, rows_ - 1);
  column_ = least_of(column, columns_ - 1);
  wraps_ = false;
}

void Terminal::restore() {
  pen_ = saved_.pen;
  change_pen();
  move_to(saved_.row, saved_.column);
}

// ---- Sequences ----------------------------------------------------------------------------

void Terminal::put_escape(u32 character) {
  state_ = State::Text;
  switch (character) {
    case '[':
      state_ = State::Sequence;
      private_mark_ = 0;
      parameter_count_ = 0;
      parameters_[0] = 0;
      return;
    case ']':  // strings: for a window's title and the like
    case 'P':
    case 'X':
    case '^':
    case '_':
      state_ = State::String;
      return;
    case '7':
      return save();
    case '8':
      return restore();
    case 'D':
      return new_line();
    case 'E':
      column_ = 0;
      return new_line();
    case 'M':
      return reverse_line();
    case 'c':
      return reset();
    default:
      if (character >= 0x20 && character < 0x30) state_ = State::EscapeIntermediate;
      return;
  }
}

void Terminal::put_in_sequence(u32 character) {
  u32& last = parameters_[least_of(parameter_count_, kMostParameters - 1)];
  if (character >= '0' && character <= '9') {
    if (parameter_count_ >= kMostParameters) return;
    last = least_of(last * 10 + (character - '0'), kMostParameter);
  } else if (character == ';' || character == ':') {
    if (++parameter_count_ < kMostParameters) parameters_[parameter_count_] = 0;
  } else if (character >= 0x3c && character < 0x40) {
    private_mark_ = static_cast<char>(character);
  } else if (character >= 0x40) {
    state_ = State::Text;
    if (parameter_count_ < kMostParameters) ++parameter_count_;
    if (character < kDelete) run_sequence(static_cast<char>(character));
  } else if (private_mark_ == 0) {
    private_mark_ = static_cast<char>(character);  // intermediates: sequences that are not known
  }
}

u32 Terminal::parameter(u32 index, u32 usual) const {
  return index < parameter_count_ && parameters_[index] != 0 ? parameters_[index] : usual;
}

void Terminal::run_sequence(char final) {
  if (private_mark_ == '?' && (final == 'h' || final == 'l')) return set_mode(final == 'h');
  if (private_mark_ != 0) return;
  const u32 n = parameter(0, 1);
  switch (final) {
#define BF_SEQUENCE(letter, action, text) \
  case letter:                            \
    action;                               \
    break;
#include "arch/x86/screen/terminal_sequences.def"
#undef BF_SEQUENCE
    default:
      break;
  }
}

// DECAWM and DECTCEM.
void Terminal::set_mode(bool on) {
  constexpr u32 kWrap = 7, kCursor = 25;
  for (u32 i = 0; i < parameter_count_; ++i) {
    if (parameters_[i] == kWrap) wrap_mode_ = on;
    if (parameters_[i] == kCursor) cursor_shown_ = on;
  }
}

void Terminal::set_scroll_region() {
  const u32 first = parameter(0, 1) - 1, last = least_of(parameter(1, rows_), rows_);
  if (first + 1 >= last) return;
  top_ = first;
  bottom_ = last;
  move_to(0, 0);
}

void Terminal::set_graphics() {
  for (u32 i = 0; i < parameter_count_; ++i) {
    if (parameters_[i] == 38 || parameters_[i] == 48) set_colour(i, parameters_[i] == 48);
    else set_attribute(parameters_[i]);
  }
  change_pen();
}

void Terminal::set_attribute(u32 number) {
  const bool coloured = colours_ == Colours::Ansi;
  const u8 colour = static_cast<u8>(number % 10 + (number >= 90 ? kBright : 0));
  if (number == 0) pen_ = {};
  else if (number == 1) pen_.bold = coloured;
  else if (number == 2) pen_.dim = coloured;
  else if (number == 4) pen_.underlined = true;
  else if (number == 7) pen_.inverse = true;
  else if (number == 22) pen_.bold = pen_.dim = false;
  else if (number == 24) pen_.underlined = false;
  else if (number == 27) pen_.inverse = false;
  else if (number == 39) pen_.foreground = kForeground, pen_.usual = true;
  else if (number == 49) pen_.background = kBackground;
  else if (!coloured || number % 10 > 7) return;
  else if (number / 10 == 3 || number / 10 == 9) pen_.foreground = colour, pen_.usual = false;
  else if (number / 10 == 4 || number / 10 == 10) pen_.background = colour;
}

// 38;5;number and 38;2;red;green;blue, or 48 for the background; `index` goes to the last of them.
void Terminal::set_colour(u32& index, bool is_background) {
  const auto next = [&](u32 ahead) {
    return index + ahead < parameter_count_ ? parameters_[index + ahead] : 0;
  };
  constexpr u32 kNumber = 5, kRgb = 2;
  const u32 kind = next(1);
  if (kind != kNumber && kind != kRgb) return;
  const u8 colour =
      kind == kNumber ? nearest_of_256(next(2) & 255) : nearest_colour(next(2), next(3), next(4));
  index += kind == kNumber ? 2 : 4;
  if (colours_ == Colours::None) return;
  (is_background ? pen_.background : pen_.foreground) = colour;
  if (!is_background) pen_.usual = false;
}

}  // namespace bf::x86
