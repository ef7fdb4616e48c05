// The terminal at the other end of a serial line: its answers, and its status line.
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <vector>

#include "arch/x86/input_queue.h"
#include "arch/x86/remote_terminal.h"
#include "arch/x86/screen/terminal.h"

using namespace bf;
using namespace bf::x86;

namespace {

constexpr u64 kLater = 1'000'000'000;

std::string passed(RemoteTerminal& terminal, std::string_view bytes, u64 later = 0) {
  std::string out;
  u64 now = 1;
  for (const char c : bytes) {
    terminal.take(static_cast<u8>(c), ++now);
    for (int byte = terminal.next(now); byte >= 0; byte = terminal.next(now)) out += static_cast<char>(byte);
  }
  for (int byte = terminal.next(now + later); byte >= 0; byte = terminal.next(now + later)) out += static_cast<char>(byte);
  return out;
}

std::string row_of(const std::vector<Cell>& cells, u32 row, u32 columns) {
  std::string text;
  for (u32 i = 0; i < columns; ++i) {
    const u32 c = cells[row * columns + i].character;
    text += c < 0x80 ? static_cast<char>(c) : '#';
  }
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

}  // namespace

TEST_CASE("remote terminal: answers are taken out, keys pass") {
  RemoteTerminal terminal;
  CHECK((terminal.columns() == 80 && terminal.rows() == 24));
  CHECK(passed(terminal, "a\x1b[8;50;132tb") == "ab");
  CHECK((terminal.columns() == 132 && terminal.rows() == 50));
  CHECK(passed(terminal, "\x1b[48;30;90;600;900t") == "");
  CHECK((terminal.columns() == 90 && terminal.rows() == 30));
  const char* const keys[] = {"\x1b[A", "\x1b[1;5C", "\x1b[3~", "\x1bOP", "\x1bz", "\x1b\x1b[A", "\x1b[9;1t", "\xc3\xa9\r",
                              "\x1b[1;2;3;4;5;6;7;8;9;10;11;12;13;14;15m"};
  for (const char* key : keys) CHECK(passed(terminal, key) == key);
  CHECK(passed(terminal, "\x1b[8;0;0t\x1b[8;9999;9999t\x1b[8t") == "");
  CHECK((terminal.columns() == 90 && terminal.rows() == 30));
}

TEST_CASE("remote terminal: an Escape alone is a key, after a moment") {
  RemoteTerminal terminal;
  CHECK(passed(terminal, "\x1b") == "");
  CHECK(passed(terminal, "", kLater) == "\x1b");
  CHECK(passed(terminal, "\x1b[8;", kLater) == "\x1b[8;");
}

TEST_CASE("remote terminal: any input is taken") {
  std::mt19937 random(2);
  const char alphabet[] = "\x1b[;0123456789tAx~";
  for (int round = 0; round < 2000; ++round) {
    RemoteTerminal terminal;
    std::string bytes;
    for (u32 i = random() % 200; i > 0; --i) bytes += alphabet[random() % (sizeof alphabet - 1)];
    CHECK(passed(terminal, bytes, kLater).size() <= bytes.size());
    CHECK((terminal.columns() >= 10 && terminal.rows() >= 2));
  }
}

TEST_CASE("remote terminal: the status line stays in the last row, and the text above it") {
  constexpr u32 kColumns = 20, kRows = 5;
  std::vector<Cell> cells(kColumns * kRows);
  Terminal screen;
  screen.start(cells.data(), kColumns, kRows, Terminal::Colours::Ansi);
  RemoteTerminal remote;
  (void)passed(remote, "\x1b[8;5;20t");
  char room[RemoteTerminal::kStatusRoom];
  screen.write("1\n2\n3\n4\n5");
  screen.write(remote.status(" one \u2502 a long status line", room));
  screen.write("!\n6\n7");
  screen.write(remote.status(" two", room));
  screen.write("?");
  const char* const rows[] = {"4", "5!", "6", "7?", " two"};
  for (u32 i = 0; i < kRows; ++i) CHECK(row_of(cells, i, kColumns) == rows[i]);
  CHECK(cells[4 * kColumns].background == kForeground);
  screen.write(remote.end_status(room));
  CHECK(remote.end_status(room).empty());
  screen.write("\n8\n9");
  CHECK(row_of(cells, 4, kColumns) == "9");
}

TEST_CASE("input queue: bytes come out in order, and the sender is told once to stop and to go on") {
  InputQueue queue;
  u32 put = 0, taken = 0, stops = 0, goes = 0;
  std::mt19937 random(9);
  for (int round = 0; round < 4000; ++round) {
    // Now more comes in than is read, now the other way round.
    const bool fills = round / 200 % 2 == 0;
    for (u32 n = random() % (fills ? 20 : 5); n > 0 && queue.has_room(); --n) queue.put(static_cast<u8>(put++));
    stops += queue.must_stop();
    for (u32 n = random() % (fills ? 5 : 20); n > 0 && !queue.empty(); --n) REQUIRE(queue.take() == static_cast<u8>(taken++));
    goes += queue.may_go_on();
    REQUIRE((stops == goes || stops == goes + 1));
    REQUIRE(put - taken <= InputQueue::kRoom);
    if (queue.empty()) REQUIRE(stops == goes);
    if (put - taken == InputQueue::kRoom) REQUIRE(stops == goes + 1);
  }
  CHECK(stops == 10);
}
