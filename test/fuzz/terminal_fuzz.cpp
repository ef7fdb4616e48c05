// Fuzzes the screen's terminal: whatever is written, its cells stay whole and nothing else is touched.
//
//   terminal_fuzz ROUNDS    deterministic mutations of built-in streams
//
// The first two bytes are the terminal's size.
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "arch/x86/screen/terminal.h"
#include "arch/x86/screen/vga_text.h"
#include "mutate.h"

namespace {

using namespace bf;
using namespace bf::x86;

u64 scrolled = 0;

void check(bool good, const char* what) {
  if (good) return;
  std::printf("terminal: %s\n", what);
  std::abort();
}

void look(const u8* data, usize size) {
  if (size < 2) return;
  const u32 columns = 2 + data[0] % 200, rows = 1 + data[1] % 60;
  std::vector<Cell> cells(columns * rows);  // exactly as many: the sanitizer sees one too many
  Terminal terminal;
  terminal.start(cells.data(), columns, rows, Terminal::Colours::Ansi);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  terminal.write(bytes.substr(0, bytes.size() / 2));
  terminal.set_rows(rows > 1 ? rows - 1 : 1);
  terminal.write(bytes.substr(bytes.size() / 2));
  const auto changes = terminal.take_changes();
  check(changes.first <= changes.last && changes.last <= rows, "rows that are not there have changed");
  check(terminal.cursor_row() < terminal.rows() && terminal.cursor_column() < columns, "the cursor is out");
  for (u32 i = 0; i < columns * terminal.rows(); ++i) {
    const auto half = static_cast<Half>(u32{cells[i].half});
    if (half == Half::Left)
      check((i + 1) % columns != 0 && static_cast<Half>(u32{cells[i + 1].half}) == Half::Right, "half a character");
    check(cells[i].character >= ' ', "a control character is shown");
    (void)vga_character(cells[i].character);
  }
  scrolled += terminal.cursor_row() + 1 == terminal.rows();
}

int look_at_rounds(int rounds) {
  const std::string_view seeds[] = {
      "\x0a\x03one\ntwo\nthree\nfour\nfive\n",
      "\x0a\x03\x1b[31mred\x1b[0m \x1b[1;44mbold\x1b[m\x1b[2J\x1b[H\x1b[3;4Hx\x1b[K\x1b[1;3r\n\n\n\n\x1b[r",
      "\x08\x02\xe4\xb8\x96\xe7\x95\x8c e\xcc\x81 \x1b[2G\x1b[@\x1b[P\x1b[X\x1b[L\x1b[M\x1b]0;title\x1b\\\x1b[38;5;9m",
      "\x50\x18\x1b[?25l\x1b[?7l\x1b""7\x1b""8\x1bM\x1b""D\x1b[99;99H\x1b[5S\x1b[5T\x1b" "c\xff\xf0\x9f\x98\x80",
  };
  bf::fuzz::Mutator mutator(3);
  for (int i = 0; i < rounds; ++i) {
    const std::string_view seed = seeds[i % 4];
    const auto mutated = mutator.mutate(bf::fuzz::Bytes(seed.begin(), seed.end()));
    look(mutated.data(), mutated.size());
  }
  std::printf("%d streams, %llu ended on the last row\n", rounds, static_cast<unsigned long long>(scrolled));
  return scrolled > 0 ? 0 : 1;
}

}  // namespace

#include "entry.h"
