// printf to the log stream, for the boot log and the last words of a fault: no allocation.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// Integers and strings only; one call prints at most 255 bytes.
[[gnu::format(printf, 1, 2)]] void print(const char* pattern, ...);

}  // namespace bf::x86
