#include "microjit/words.h"

#include <optional>

#include "microjit/top.h"
#include "runtime/shell/shell.h"

namespace bf::microjit {

namespace {

using platform::Stream;

constexpr usize kLiveRows = 10, kRows = 16;
constexpr usize kTableLines = kLiveRows + 2;
constexpr u64 kBetweenTables = 1'000'000'000;

// Sequences of terminals: ECMA-48, and DEC's scroll region, save and restore.
constexpr const char* kSave = "\x1b" "7";
constexpr const char* kRestore = "\x1b" "8";
constexpr const char* kClear = "\x1b[2J";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kEndOfRow = "\x1b[K\n";
constexpr const char* kWholeScreen = "\x1b[r";

// The table of /top, also while the program tells a text beneath it.
struct LiveTop {
  LiveTop(Engine& of, bool on_terminal) : engine(of), table(of), terminal(on_terminal) {}

  Engine& engine;
  Top table;
  const bool terminal;
  bool live = false, drawn = false;
  u64 drawn_ns = 0;

  void start();
  void end();
  void draw();
};

std::optional<LiveTop> top;

void show(const Text& screen) {
  platform::write(Stream::Text, screen.view());
}

void LiveTop::start() {
  live = true;
  drawn = false;
  table.mark();
  if (terminal) shell::set_tick([] { top->draw(); });
}

// Once a second, over the upper rows; what is told scrolls beneath.
void LiveTop::draw() {
  const u64 now = platform::clock_ns();
  if (drawn && now - drawn_ns < kBetweenTables) return;
  Text rows, screen;
  table.write(rows, kLiveRows);
  if (!drawn) screen.format("%s\x1b[%lur\x1b[%lu;1H", kClear, kTableLines + 2, kTableLines + 2);
  drawn = true;
  drawn_ns = now;
  screen.append(kSave);
  screen.append(kHome);
  std::string_view left = rows.view();
  for (usize line = 0; line < kTableLines; ++line) {
    const usize length = left.find('\n');
    screen.append(left.substr(0, length));
    screen.append(kEndOfRow);
    left.remove_prefix(length == std::string_view::npos ? left.size() : length + 1);
  }
  screen.append(kRestore);
  show(screen);
}

void LiveTop::end() {
  live = false;
  shell::set_tick(nullptr);
  if (!drawn) return;
  Text screen;
  screen.append(kSave);
  screen.append(kWholeScreen);
  screen.append(kRestore);
  show(screen);
}

shell::Answer top_word(shell::Call& call) {
  if (top->live) {
    top->end();
  } else if (top->terminal || !call.arguments.empty()) {
    top->start();
    return BF_COMMAND_TELL;
  }
  top->table.write(call.out, kRows);
  return shell::kDone;
}

shell::Answer tiers_word(shell::Call& call) {
  top->engine.write_tiers(call.out, call.arguments);
  return shell::kDone;
}

}  // namespace

void provide_words(Engine* engine, bool terminal) {
  top.reset();
  if (engine != nullptr) top.emplace(*engine, terminal);
  shell::provide(shell::Word::Tiers, engine != nullptr ? tiers_word : nullptr);
  shell::provide(shell::Word::Top, engine != nullptr ? top_word : nullptr);
  shell::set_tick(nullptr);
}

}  // namespace bf::microjit
