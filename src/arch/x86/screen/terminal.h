// What a terminal makes of a stream of bytes: cells. No hardware, no memory of its own.
//
//   Terminal terminal;
//   terminal.start(cells, 80, 25, Terminal::Colours::Ansi);
//   terminal.write("\x1b[31mred\x1b[0m");
//   terminal.cells()[0].character  // 'r'
//
// It follows ECMA-48 as xterm does, as far as line editors, progress lines and coloured text go
// (terminal_sequences.def lists it); what it does not know is passed over. UTF-8 is decoded;
// combining marks join the letter before them where Unicode has a character for both together and are
// left out elsewhere. A full line wraps only when its next character comes.
#pragma once

#include <string_view>

#include "arch/x86/screen/cell.h"
#include "arch/x86/screen/utf8.h"

namespace bf::x86 {

class Terminal {
 public:
  enum class Colours : u8 { Ansi, None };

  // `cells`, columns times rows of them, are the terminal's from now on, and blank. At least 2
  // columns and 1 row.
  void start(Cell* cells, u32 columns, u32 rows, Colours colours);

  void write(std::string_view bytes);

  // What is written from now on is in this colour where it asks for none itself.
  void set_usual_foreground(u8 colour);

  // Gives up or takes back rows at the bottom, at most those of start(): what would be lost at the
  // bottom scrolls up.
  void set_rows(u32 rows);

  const Cell* cells() const { return cells_; }
  u32 columns() const { return columns_; }
  u32 rows() const { return rows_; }
  u32 cursor_row() const { return row_; }
  u32 cursor_column() const { return column_; }
  bool cursor_shown() const { return cursor_shown_; }

  // The rows that may have changed since this was last asked: [first, last), perhaps empty.
  struct RowRange {
    u32 first, last;
  };
  RowRange take_changes();

 private:
  enum class State : u8 { Text, Escape, EscapeIntermediate, Sequence, String, StringEscape };
  static constexpr u32 kMostParameters = 16;

  // How characters are written. Colours as asked for; what is seen, cell_with() says.
  struct Pen {
    u8 foreground = kForeground, background = kBackground;
    bool usual = true;  // nobody has asked for a foreground
    bool bold = false, dim = false, inverse = false, underlined = false;
  };
  struct Position {
    u32 row = 0, column = 0;
    Pen pen;
  };

  void put(u32 character);
  void put_control(u32 character);
  void put_text(u32 character);
  void put_escape(u32 character);
  void put_in_sequence(u32 character);
  void run_sequence(char final);
  void join(u32 mark);
  void new_line();
  void reverse_line();
  void scroll(u32 first, u32 last, u32 count, bool up);
  void shift_rows(u32 count, bool insert);
  void shift_cells(u32 count, bool insert);
  void erase(u32 row, u32 first_column, u32 last_column);
  void erase_display(u32 what);
  void erase_line(u32 what);
  void move_to(u32 row, u32 column);
  void set_mode(bool on);
  void set_scroll_region();
  void set_graphics();
  void set_attribute(u32 number);
  void set_colour(u32& index, bool is_background);
  void reset();
  void save() { saved_ = {row_, column_, pen_}; }
  void restore();
  void part_wide(u32 row, u32 first_column, u32 last_column);
  void change_pen();
  Cell blank() const;
  Cell& at(u32 row, u32 column) { return cells_[row * columns_ + column]; }
  void changed(u32 first_row, u32 last_row);
  // A parameter of a sequence; `usual` where it is absent or 0.
  u32 parameter(u32 index, u32 usual) const;

  Cell* cells_ = nullptr;
  u32 columns_ = 0, rows_ = 0, most_rows_ = 0;
  u32 row_ = 0, column_ = 0;
  bool wraps_ = false;  // the line is full, and the cursor at its end
  u32 top_ = 0, bottom_ = 0;  // of the scroll region: [top, bottom)
  Pen pen_;
  Cell pen_cell_ = kBlankCell;  // what a space looks like with it
  u8 usual_foreground_ = kForeground;
  Colours colours_ = Colours::Ansi;
  bool cursor_shown_ = true, wrap_mode_ = true;
  Position saved_;
  u32 changed_first_ = 0, changed_last_ = 0;

  Utf8Decoder decoder_;
  State state_ = State::Text;
  char private_mark_ = 0;
  u32 parameters_[kMostParameters] = {};
  u32 parameter_count_ = 0;
};

}  // namespace bf::x86
