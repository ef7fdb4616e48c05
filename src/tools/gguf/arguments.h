// The command line of a command: a table of options, parsed, asked by name.
//
//   auto arguments = Arguments::parse(command, words);
//   if (!arguments) ...                            // "--sed: there is no such option ..."
//   auto seed = arguments->number("--seed", 1, 0, UINT64_MAX);
//   arguments->file(0)
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base.h"

namespace bf::gguf {

class Arguments;

struct OptionRow {
  const char* name;
  const char* value;  // what --help calls it; null: takes none
  const char* help;   // lines
};

struct Command {
  std::string_view name;
  const char* files;  // what --help calls them
  usize file_count;
  std::span<const OptionRow> options;
  Result<void> (*run)(const Arguments& arguments);
  const char* summary;
  const char* help;
};

class Arguments {
 public:
  // `words` are those behind the command's name.
  static Result<Arguments> parse(const Command& command, std::span<char* const> words);

  bool wants_help() const { return help_; }
  const char* file(usize index) const { return files_[index]; }
  bool has(std::string_view option) const { return get(option) != nullptr; }
  // The option's value, "" for one that takes none; null where it was not given.
  const char* get(std::string_view option) const;
  // A whole number from `least` to `most`.
  Result<u64> number(std::string_view option, u64 fallback, u64 least, u64 most) const;

 private:
  std::vector<const char*> files_;
  std::vector<std::pair<std::string_view, const char*>> options_;
  bool help_ = false;
};

std::string command_help(const Command& command);

}  // namespace bf::gguf
