#include "arch/host/command_line.h"

#include <cstdio>
#include <cstdlib>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf::host {

namespace {

Result<CommandLine::Pair> split(const char* option, const std::string& text) {
  const usize equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return Error::format("error: %s %s: expected NAME=VALUE", option, text.c_str());
  return CommandLine::Pair(text.substr(0, equals), text.substr(equals + 1));
}

// A file's text as a line of options: line ends and backslashes as docs/options.md says.
Result<void> add_option_file(const CommandLine::Pair& option, std::string& options) {
  constexpr const char* kName = "option-file";
  auto mapped = map_blob(kName, option.second);
  if (!mapped) return mapped;
  options += option.first + "=";
  for (const u8 byte : platform::blob(kName)) {
    if (byte == '\n' || byte == '\r' || byte == '\\') options += '\\';
    options += byte == '\n' ? 'n' : byte == '\r' ? 'r' : static_cast<char>(byte);
  }
  options += '\n';
  platform::drop_blob(kName);
  return {};
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const char* const> arguments) {
  CommandLine line;
  for (usize i = 0; i < arguments.size(); i += 2) {
    const std::string option = arguments[i];
    const bool known = option == "--blob" || option == "--text" || option == "--option" ||
                       option == "--option-file" || option == "--stream";
    if (!known) {
      return Error::format(
          "error: %s: unknown; use --blob NAME=FILE, --text NAME=STRING, --option KEY=VALUE, "
          "--option-file KEY=FILE or --stream profile=FILE or logits=FILE",
          option.c_str());
    }
    if (i + 1 == arguments.size())
      return Error::format("error: %s: a NAME=VALUE must follow", option.c_str());
    auto pair = split(option.c_str(), arguments[i + 1]);
    if (!pair) return pair.error();
    if (option == "--blob")
      line.files.push_back(*pair);
    else if (option == "--text")
      line.texts.push_back(*pair);
    else if (option == "--option-file")
      line.option_files.push_back(*pair);
    else if (option == "--stream")
      line.streams.push_back(*pair);
    else
      line.options += pair->first + "=" + pair->second + "\n";
  }
  return line;
}

Result<void> bring_up(const CommandLine& line) {
  for (const auto& [name, file] : line.files) {
    auto mapped = map_blob(name, file);
    if (!mapped) return mapped.error();
  }
  for (const auto& [name, text] : line.texts) add_blob(name, text);
  std::string options = line.options;
  for (const CommandLine::Pair& option : line.option_files) {
    auto added = add_option_file(option, options);
    if (!added) return added.error();
  }
  add_blob("options", options);
  for (const auto& [name, file] : line.streams) {
    auto opened = open_stream(name, file);
    if (!opened) return opened.error();
  }
  auto capped = cap_processor();
  if (!capped) return capped.error();
  auto counted = count_cores();
  if (!counted) return counted.error();
  start_clock();
  start_terminal();
  return {};
}

void start(int argc, const char* const* argv) {
  open_missing_streams();
  const std::span<const char* const> all(argv, static_cast<usize>(argc));
  auto line = parse_command_line(all.empty() ? all : all.subspan(1));
  auto up = line ? bring_up(*line) : Result<void>(line.error());
  if (up) return;
  std::fprintf(stderr, "%s\n", up.error().message());
  std::exit(kUsageStatus);
}

}  // namespace bf::host
