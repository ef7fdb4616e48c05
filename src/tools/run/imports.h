// What an image imports, from the process that runs it: the C library, libm, libraries that were
// loaded, and the few functions that a process has but does not show.
#pragma once

#include <string>
#include <vector>

#include "microjit/microjit.h"

namespace bf::run {

// Makes the functions of a shared library importable.
Result<void> load_library(const std::string& file);

struct Imports {
  std::vector<microjit::NamedAddress> addresses;  // of each import of the module, in order
  std::string missing;  // names that nobody has, with commas; not weak ones: their address is null
};
Imports bind_imports(const ir::Module& module);

}  // namespace bf::run
