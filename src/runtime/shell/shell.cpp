#include "runtime/shell/shell.h"

#include "runtime/platform.h"

namespace bf::shell {

namespace {

Action actions[kWordCount] = {};
void (*tick_of_word)() = nullptr;

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

u32 count_words(std::string_view text) {
  u32 count = 0;
  bool inside = false;
  for (const char c : text) {
    if (!is_space(c) && !inside) ++count;
    inside = !is_space(c);
  }
  return count;
}

void show(const Text& out) {
  if (!out.view().empty()) platform::write(platform::Stream::Text, out.view());
}

void write_use(const Fact& word, Text& out) {
  out.format("Use: %s%s%s\n", word.name, word.arguments[0] != 0 ? " " : "", word.arguments);
}

}  // namespace

std::string_view word_of(std::string_view line) {
  usize end = 0;
  while (end < line.size() && !is_space(line[end])) ++end;
  return line.substr(0, end);
}

std::string_view arguments_of(std::string_view line) {
  return trimmed(line.substr(word_of(line).size()));
}

void provide(Word word, Action action) {
  actions[static_cast<usize>(word)] = action;
}

bool is_provided(Word word) {
  return actions[static_cast<usize>(word)] != nullptr;
}

void set_tick(void (*tick)()) {
  tick_of_word = tick;
}

void write_help(Text& out) {
  for (usize i = 0; i < kWordCount; ++i) {
    const Fact& word = kWords[i];
    if (actions[i] == nullptr) continue;
    Text use;
    use.format("%s %s", word.name, word.arguments);
    out.format("  %-*.*s%s\n", static_cast<int>(kHelpColumn - 2), static_cast<int>(use.view().size()),
               use.view().data(), word.help);
  }
}

Answer obey(std::string_view line, const BfAbout& about) {
  if (line.empty()) {
    if (tick_of_word != nullptr) tick_of_word();
    return kDone;
  }
  const std::string_view name = word_of(line), arguments = arguments_of(line);
  Text out;
  if (name == "/help") {
    write_help(out);
    show(out);
    return kDone;
  }
  for (usize i = 0; i < kWordCount; ++i) {
    if (name != kWords[i].name || actions[i] == nullptr) continue;
    Answer result = kDone;
    if (kWords[i].most != kWholeLine && count_words(arguments) > kWords[i].most)
      write_use(kWords[i], out);
    else {
      Call call{arguments, about, out};
      result = actions[i](call);
    }
    show(out);
    return result;
  }
  return BF_COMMAND_UNKNOWN;
}

}  // namespace bf::shell
