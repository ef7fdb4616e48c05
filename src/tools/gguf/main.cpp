// bf-gguf: makes, inspects and converts model files.
#include <cstdio>
#include <string>

#include "tools/gguf/commands.h"

namespace bf::gguf {

namespace {

constexpr int kFailed = 1;
constexpr int kBadUse = 2;

std::string help_text() {
  std::string text =
      "usage: bf-gguf COMMAND [ARGUMENTS]\n"
      "\n"
      "Makes, inspects and converts model files (GGUF).\n"
      "\n";
  for (const Command& command : commands()) {
    std::string row = "  " + std::string(command.name);
    row.resize(12, ' ');
    text += row + command.summary + "\n";
  }
  return text + "\n`bf-gguf COMMAND --help` tells the options of a command.\n";
}

int print(const std::string& text, std::FILE* to) {
  return std::fwrite(text.data(), 1, text.size(), to) == text.size() ? 0 : kFailed;
}

int fail(const Error& error, int status) {
  std::fprintf(stderr, "error: %s\n", error.message());
  return status;
}

int run(const Command& command, std::span<char* const> words) {
  auto arguments = Arguments::parse(command, words);
  if (!arguments) return fail(arguments.error(), kBadUse);
  if (arguments->wants_help()) return print(command_help(command), stdout);
  auto done = command.run(*arguments);
  if (!done) return fail(done.error(), kFailed);
  return std::fflush(stdout) == 0 ? 0 : kFailed;
}

}  // namespace

}  // namespace bf::gguf

int main(int count, char** words) {
  using namespace bf::gguf;
  const std::span<char* const> all(words, static_cast<size_t>(count));
  if (count < 2) return print(help_text(), stderr), kBadUse;
  const std::string_view name = words[1];
  if (name == "--help" || name == "-h") return print(help_text(), stdout);
  for (const Command& command : commands())
    if (name == command.name) return run(command, all.subspan(2));
  return fail(bf::Error::format("%s: there is no such command (see --help)", words[1]), kBadUse);
}
