// Functions that the lowering makes programs import and that a process does not have under these
// names: those of the compiler's run-time library (which is linked statically, where dlsym() does
// not find it), of libatomic, and our own. For hosts.
//
//   const void* address = support_function(name);
//   if (!address) address = dlsym(RTLD_DEFAULT, name);
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::microjit {

// Null if there is none of that name.
const void* support_function(std::string_view name);

}  // namespace bf::microjit
