#include "arch/x86/screen/screen.h"

#include "arch/x86/screen/terminal.h"
#include "arch/x86/screen/vga_text.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

// What a colour of the log is: it stands back behind the text.
constexpr u8 kLogColour = kBright, kTextColour = kForeground, kAlarmColour = kBright + 1;

// Beginnings of what must be seen.
constexpr std::string_view kAlarms[] = {"error: ", "fault: ", "panic: ", "watchdog: for"};

u8 log_colour(std::string_view line) {
  if (line.starts_with('\n')) line.remove_prefix(1);
  for (const std::string_view alarm : kAlarms)
    if (line.starts_with(alarm)) return kAlarmColour;
  return kLogColour;
}

class Screen {
 public:
  bool is_there() const { return columns_ != 0; }
  u32 columns() const { return columns_; }
  u32 rows() const { return rows_; }

  void start(Display& display);
  void stop() { display_ = nullptr; }
  void make_plain() { colours_ = Terminal::Colours::None; }
  void write(std::string_view bytes, ScreenText what);
  void show_waiting_log();
  void show_status(std::string_view line);
  bool draw_if_due();
  void draw();

 private:
  void start_terminal();
  void put(std::string_view bytes, u8 colour);
  void put_log(std::string_view bytes);
  void draw_row(u32 row);
  u32 first_difference(u32 row, u32 column) const;
  void draw_cursor();

  Display* display_ = nullptr;
  Display* cleared_ = nullptr;  // and shows what is in drawn
  u32 columns_ = 0, rows_ = 0;
  Terminal terminal_;
  bool terminal_started_ = false;
  bool status_changed_ = false;
  bool text_is_open_ = false;  // a line of it
  usize waiting_ = 0;          // bytes of the log
  Terminal::Colours colours_ = Terminal::Colours::Ansi;
  u64 drawn_at_ = 0;  // ticks
  // The cursor as it is on the display.
  u32 cursor_row_ = 0, cursor_column_ = 0;
  bool cursor_shown_ = false;
};

char waiting_log[8192];

// Of the terminal, and what the display shows.
Cell cells[kMostCells];
Cell drawn[kMostCells];

constinit Framebuffer framebuffer;
constinit VgaText vga_text;
constinit Screen screen;

void Screen::start(Display& display) {
  const bool same_size = columns_ == display.columns() && rows_ == display.rows();
  display_ = &display;
  if (same_size && cleared_ == &display) return;
  cleared_ = &display;
  columns_ = display.columns();
  rows_ = display.rows();
  if (!same_size) terminal_started_ = false;
  display.clear();
  for (u32 i = 0; i < columns_ * rows_; ++i) drawn[i] = kBlankCell;
  cursor_shown_ = false;
  if (!terminal_started_) return;
  for (u32 row = 0; row < rows_; ++row) draw_row(row);
}

void Screen::write(std::string_view bytes, ScreenText what) {
  if (!is_there()) return;
  start_terminal();
  if (what == ScreenText::Log) return put_log(bytes);
  const usize end = bytes.rfind('\n') + 1;  // 0 if there is none
  if (waiting_ > 0 && end > 0) {
    put(bytes.substr(0, end), kTextColour);
    text_is_open_ = false;
    show_waiting_log();
    bytes.remove_prefix(end);
  }
  if (bytes.empty()) return;
  put(bytes, kTextColour);
  text_is_open_ = bytes.back() != '\n';
}

void Screen::put(std::string_view bytes, u8 colour) {
  terminal_.set_usual_foreground(colours_ == Terminal::Colours::Ansi ? colour : kTextColour);
  terminal_.write(bytes);
}

void Screen::put_log(std::string_view bytes) {
  if (!text_is_open_) return put(bytes, log_colour(bytes));
  if (bytes.size() > sizeof waiting_log - waiting_) {
    show_waiting_log();
    return put(bytes, log_colour(bytes));
  }
  __builtin_memcpy(waiting_log + waiting_, bytes.data(), bytes.size());
  waiting_ += bytes.size();
}

void Screen::show_waiting_log() {
  if (waiting_ == 0) return;
  if (text_is_open_) terminal_.write("\n");
  text_is_open_ = false;
  std::string_view log = {waiting_log, waiting_};
  while (!log.empty()) {
    const usize end = log.find('\n'), size = end == log.npos ? log.size() : end + 1;
    put(log.substr(0, size), log_colour(log));
    log.remove_prefix(size);
  }
  waiting_ = 0;
}

// The options are known by the first text.
void Screen::start_terminal() {
  if (!terminal_started_) terminal_.start(cells, columns_, rows_, colours_);
  terminal_started_ = true;
}

// A row of cells is a terminal of one row.
void Screen::show_status(std::string_view line) {
  if (!is_there() || rows_ < 3) return;
  start_terminal();
  if (terminal_.rows() == rows_) terminal_.set_rows(rows_ - 1);
  Terminal row;
  row.start(cells + (rows_ - 1) * columns_, columns_, 1, colours_);
  row.write(colours_ == Terminal::Colours::Ansi ? "\x1b[?7l\x1b[30;100m\x1b[K" : "\x1b[?7l\x1b[7m");
  row.write(line);
  for (u32 i = row.cursor_column(); colours_ == Terminal::Colours::None && i + 1 < columns_; ++i) row.write(" ");
  status_changed_ = true;
}

// The first cell from `column` on that is not as it should be; mostly there is none, so two are compared
// at once.
u32 Screen::first_difference(u32 row, u32 column) const {
  const Cell* wanted = cells + row * columns_;
  const Cell* shown = drawn + row * columns_;
  for (; column + 2 <= columns_; column += 2)
    if (__builtin_memcmp(wanted + column, shown + column, 2 * sizeof(Cell)) != 0) break;
  while (column < columns_ && wanted[column] == shown[column]) ++column;
  return column;
}

void Screen::draw_row(u32 row) {
  for (u32 column = 0; (column = first_difference(row, column)) < columns_; ++column) {
    const u32 at = row * columns_ + column;
    drawn[at] = cells[at];
    display_->draw(row, column, cells[at]);
  }
}

// A cursor of ours is a cell with its colours exchanged: to the next drawing, that cell is a wrong one.
void Screen::draw_cursor() {
  Cell cell = cells[cursor_row_ * columns_ + cursor_column_];
  const u32 foreground = cell.foreground;
  cell.foreground = cell.background;
  cell.background = foreground;
  drawn[cursor_row_ * columns_ + cursor_column_] = cell;
  display_->draw(cursor_row_, cursor_column_, cell);
}

bool Screen::draw_if_due() {
  if (display_ == nullptr || !terminal_started_) return true;
  const u64 pause = platform::ticks_per_second() / 1000 * (kScreenPauseNs / 1'000'000);
  if (platform::ticks() - drawn_at_ < pause) return false;
  draw();
  return true;
}

void Screen::draw() {
  if (display_ == nullptr || !terminal_started_) return;
  drawn_at_ = platform::ticks();
  const Terminal::RowRange changed = terminal_.take_changes();
  for (u32 row = changed.first; row < changed.last; ++row) draw_row(row);
  if (status_changed_) draw_row(rows_ - 1);
  status_changed_ = false;
  const u32 row = terminal_.cursor_row(), column = terminal_.cursor_column();
  if (display_->has_cursor()) return display_->move_cursor(row, column, terminal_.cursor_shown());
  const bool stays = cursor_shown_ && terminal_.cursor_shown() && row == cursor_row_ && column == cursor_column_;
  const bool is_whole = cursor_row_ < changed.first || cursor_row_ >= changed.last;
  if (stays && is_whole) return;
  draw_row(cursor_row_);
  cursor_row_ = row;
  cursor_column_ = column;
  cursor_shown_ = terminal_.cursor_shown();
  if (cursor_shown_) draw_cursor();
}

}  // namespace

void start_text_screen(u64 address, u32 columns, u32 rows) {
  if (!VgaText::has_size(columns, rows)) return;
  vga_text.start(reinterpret_cast<u16*>(address), columns, rows);
  screen.start(vga_text);
}

void start_pixel_screen(const PixelScreen& pixels) {
  framebuffer.start(reinterpret_cast<u8*>(pixels.address), pixels);
  screen.start(framebuffer);
}

void stop_drawing() {
  screen.stop();
}

bool has_screen() {
  return screen.is_there();
}

u32 screen_columns() {
  return screen.columns();
}

u32 screen_rows() {
  return screen.rows();
}

void make_screen_plain() {
  screen.make_plain();
}

void write_to_screen(std::string_view bytes, ScreenText what) {
  screen.write(bytes, what);
}

void show_waiting_log() {
  screen.show_waiting_log();
}

void show_status_on_screen(std::string_view line) {
  screen.show_status(line);
}

bool draw_screen_if_due() {
  return screen.draw_if_due();
}

void draw_screen() {
  screen.draw();
}

}  // namespace bf::x86
