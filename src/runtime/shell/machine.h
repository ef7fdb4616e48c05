// What a platform tells the words that are the same everywhere: /mem, /cpu, /save.
//
//   shell::provide_common(facts);          // those words are there from now on
#pragma once

#include <span>
#include <vector>

#include "runtime/shell/shell.h"

namespace bf::shell {

// Where memory is: the parts together are the whole, always.
struct MemoryPart {
  const char* what;
  u64 bytes;
};
struct Memory {
  const char* whole = "";  // what the parts are parts of
  u64 bytes = 0;
  std::vector<MemoryPart> parts;
  // What the platform has given to the heap, the program's model and others (allocate_pages): it is no
  // part, since it is told apart here.
  u64 pages = 0;
  // The same for what the boot loader has brought, the model among it.
  u64 modules = 0;
  const char* other_modules = "";
  bool model_in_pages = false;  // whether the model lies there
  const char* other_pages = "";  // what else does
  std::vector<MemoryPart> notes;  // more to know: no parts
  bool has_page_sizes = false;
  u64 page_counts[3] = {};  // mapped pages of 4 KiB, 2 MiB and 1 GiB
};

struct Machine {
  Memory (*memory)() = nullptr;
  // Lines about the processor: cores, how the clock was measured.
  void (*processor)(Text& out) = nullptr;
  // Keeps a text under a name; where, for a person.
  Result<Text> (*keep)(std::string_view name, std::string_view text) = nullptr;
};

// The parts of `memory`, and of its pages what the program and the heap have; sums up to memory.bytes.
std::vector<MemoryPart> account(const Memory& memory, const BfAbout& about);

// Those of the words that the machine's facts are there for.
void provide_common(const Machine& machine);

// "2026-11-21-205512.txt", by the wall clock; "conversation.txt" where nobody knows the date.
Text default_file_name(u64 seconds_since_1970);

}  // namespace bf::shell
