// The text form of a module: for reading, for tests, for bug reports. It round-trips.
//
//   import @bf_write (i32, ptr, i64)
//   data @hello align 1 = "hello\0a"
//   func @main () -> i32 export {
//   b0:
//     %0 = data_addr @hello
//     call_import @bf_write(i32 0, %0, i64 6)
//     ret i32 0
//   }
//
// The grammar is in docs/ir.md.
#pragma once

#include <string_view>
#include <vector>

#include "microjit/ir/module.h"

namespace bf::ir {

// Append-only text, since std::string is not part of the kernel.
using Text = std::vector<char>;

void print(const Module& module, Text& out);
void print_function(const Module& module, const Function& function, Text& out);

// Parses and verifies. An error names the line.
Result<Module> parse_text(std::string_view text);

}  // namespace bf::ir
