#include "tools/gguf/arguments.h"

#include <algorithm>
#include <charconv>

namespace bf::gguf {

namespace {

constexpr usize kHelpColumn = 22;

const OptionRow* find_option(const Command& command, std::string_view word) {
  for (const OptionRow& option : command.options)
    if (word == option.name) return &option;
  return nullptr;
}

void append_row(std::string& text, const std::string& left, std::string_view right) {
  std::string row = "  " + left;
  row.resize(std::max(kHelpColumn, row.size() + 1), ' ');
  for (const char c : right) {
    row += c;
    if (c == '\n') row.append(kHelpColumn, ' ');
  }
  text += row + "\n";
}

}  // namespace

Result<Arguments> Arguments::parse(const Command& command, std::span<char* const> words) {
  Arguments result;
  for (usize at = 0; at < words.size(); ++at) {
    const std::string_view word = words[at];
    if (word == "--help" || word == "-h") {
      result.help_ = true;
      return result;
    }
    if (!word.starts_with("-")) {
      result.files_.push_back(words[at]);
      continue;
    }
    const OptionRow* const option = find_option(command, word);
    if (!option) return Error::format("%s: there is no such option (see --help)", words[at]);
    if (option->value && at + 1 == words.size())
      return Error::format("%s needs a %s (see --help)", words[at], option->value);
    result.options_.emplace_back(option->name, option->value ? words[++at] : "");
  }
  if (result.files_.size() != command.file_count)
    return Error::format("give %s, and no more (see bf-gguf %s --help)", command.files,
                         command.name.data());
  return result;
}

const char* Arguments::get(std::string_view option) const {
  const char* value = nullptr;
  for (const auto& [name, text] : options_)
    if (name == option) value = text;
  return value;
}

Result<u64> Arguments::number(std::string_view option, u64 fallback, u64 least, u64 most) const {
  const char* const text = get(option);
  if (!text) return fallback;
  const std::string_view view = text;
  u64 value = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  const bool whole = error == std::errc{} && end == view.data() + view.size() && !view.empty();
  if (whole && value >= least && value <= most) return value;
  return Error::format("%s %s: give a whole number from %llu to %llu", option.data(), text,
                       static_cast<unsigned long long>(least),
                       static_cast<unsigned long long>(most));
}

std::string command_help(const Command& command) {
  std::string text = "usage: bf-gguf " + std::string(command.name) + " [OPTIONS] " + command.files +
                     "\n\n" + command.help + "\n\n";
  for (const OptionRow& option : command.options)
    append_row(text, option.name + (option.value ? " " + std::string(option.value) : ""),
               option.help);
  append_row(text, "--help", "this");
  return text;
}

}  // namespace bf::gguf
