// The words that a person types beside the conversation and that are about the machine: words.def.
//
//   shell::provide(shell::Word::Reboot, [](shell::Call&) { restart(); return shell::kDone; });
//   shell::obey("/reboot", about);       // what bf_command does
//
// Whoever can do a word provides it before the program runs: the engine's owner, the platform's
// composition root, or provide_common() for what is the same everywhere. A word that nobody provides
// is not there. Words are obeyed by the core that runs the program, one at a time.
#pragma once

#include "runtime/program_abi.h"
#include "runtime/text.h"

namespace bf::shell {

enum class Word : u8 {
#define BF_WORD(id, name, arguments, most, help, where) id,
#include "runtime/shell/words.def"
#undef BF_WORD
};

inline constexpr u32 kWholeLine = ~u32{0};

struct Fact {
  const char* name;
  const char* arguments;
  u32 most;
  const char* help;
  const char* where;
};
inline constexpr Fact kWords[] = {
#define BF_WORD(id, name, arguments, most, help, where) {name, arguments, most, help, where},
#include "runtime/shell/words.def"
#undef BF_WORD
};
inline constexpr usize kWordCount = sizeof kWords / sizeof kWords[0];

// What is to be done: the word has been checked to have no more arguments than it may.
struct Call {
  std::string_view arguments;  // without space around them
  const BfAbout& about;        // what the program says of itself
  Text& out;                   // shown when the word is done; lines that end
};
using Answer = i32;  // BfCommandResult
inline constexpr Answer kDone = BF_COMMAND_DONE;
using Action = Answer (*)(Call& call);

// Null takes the word away again.
void provide(Word word, Action action);
bool is_provided(Word word);

// Called at bf_command's empty lines, for a word that goes on while the program works; null: nobody.
void set_tick(void (*tick)());

// Does what a line asks for and shows what there is to show on the text stream.
Answer obey(std::string_view line, const BfAbout& about);

// "  /name ARGUMENTS   help", as the program's own words are shown, too.
inline constexpr u32 kHelpColumn = 24;
void write_help(Text& out);

// The two parts of a line: "/save a b" gives "/save", and "a b" without space around it.
std::string_view word_of(std::string_view line);
std::string_view arguments_of(std::string_view line);

}  // namespace bf::shell
