// The command line of a program on the host platform, and bringing the platform up from it.
//
//   bf-native --blob model=story.gguf --text prompt="Once upon a time" --option temp=0
//
//   auto line = host::parse_command_line(arguments);
//   if (!line) ...
//   auto up = host::bring_up(*line);
//
// What is named `--blob` and `--text` is what platform::blob() finds; `--option` lines are
// collected to the blob "options", and so is `--option-file grammar=FILE`, whose value is the text
// of the file, of any length; `--stream profile=FILE` gives the profile a listener.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base.h"

namespace bf::host {

struct CommandLine {
  using Pair = std::pair<std::string, std::string>;
  std::vector<Pair> files;         // --blob NAME=FILE
  std::vector<Pair> texts;         // --text NAME=STRING
  std::vector<Pair> streams;       // --stream NAME=FILE
  std::string options;             // --option KEY=VALUE, a line each
  std::vector<Pair> option_files;  // --option-file KEY=FILE
};

// `arguments` without the program's own name.
Result<CommandLine> parse_command_line(std::span<const char* const> arguments);

// Opens streams and maps blobs; reads the options `isa`, `threads` and `interactive`, which are the
// platform's own business. Once per process, before anything else of the platform is used.
Result<void> bring_up(const CommandLine& line);

// The exit status of a program that was called the wrong way.
inline constexpr int kUsageStatus = 2;

// open_missing_streams, parse_command_line and bring_up; on failure prints the one line about it
// and exits.
void start(int argc, const char* const* argv);

// How wide the terminal is that standard output goes to; 0 if it is none.
u32 terminal_columns();

}  // namespace bf::host
