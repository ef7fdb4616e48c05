// The bf_* functions of program_abi.h, implemented above the platform port for both platforms.
//
//   for (const ProgramImport& import : program_imports()) bind(import.name, import.address);
//
// Natively compiled, the program links against them; as IR, the engine binds them by name.
#pragma once

#include <span>
#include <string_view>

#include "runtime/base.h"

namespace bf {

struct ProgramImport {
  std::string_view name;
  const void* address;
};

// Every function of the ABI that the program may call.
std::span<const ProgramImport> program_imports();

// Who makes the text of the "stats" blob; it must stay valid until the next call. Without one the
// program finds no such blob.
using StatsText = std::string_view (*)();
void set_stats_text(StatsText make);

// Who knows how wide the console is (the "columns" blob); 0: nobody.
void set_console_columns(u32 (*columns)());

}  // namespace bf
