// The command line of bf-run: which image, with which arguments, in which tiers.
//
//   auto options = parse_options(words);
//   if (!options) return fail(options.error());
//   if (options->help) ...
#pragma once

#include <span>
#include <string>
#include <vector>

#include "microjit/microjit.h"

namespace bf::run {

struct Options {
  microjit::EngineOptions engine{};
  bool help = false;
  bool stats = false;
  std::string dump_after;              // a pass, or empty
  bool gdb = false, perf_map = false;
  std::string trace, tier_log;         // files, or empty
  std::string disassemble, annotate;   // functions, or empty
  std::vector<std::string> libraries;  // to load before imports are looked up
  std::span<char* const> program;      // the image, then the program's arguments
};

// `words` are those behind the tool's own name. The first one that is no option is the image; what
// follows belongs to the program.
Result<Options> parse_options(std::span<char* const> words);
// What --help prints.
std::string help_text();

}  // namespace bf::run
