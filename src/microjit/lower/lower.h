// From LLVM bitcode to a module of BareFlow IR: what the tool bf-lower does, as a function.
//
//   lower::Lowered result = lower::lower_files({"program.bc"});
//   if (!result.errors.empty()) ...       // each names function, instruction and source line
//   write(ir::write_image(result.module));
//
// Several files are linked first. What is reachable from functions and variables with external
// linkage is lowered; functions that are declared only become imports. The IR follows the System V
// AMD64 calling convention, so that imports may be C functions and exports may be called from C,
// with these exceptions among the lowered functions themselves: vectors of more than 8 bytes and
// results of more than two scalars go by reference.
//
// Annotations: [[clang::annotate("bf.kernel")]], "bf.reassoc", "bf.cold" set the function's flags;
// "bf.specialise(0,2)" names the parameters worth specialising on.
//
// LLVM stays behind this header: nothing of it shows here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "microjit/ir/module.h"

namespace bf::lower {

// No more errors than this are reported.
inline constexpr u32 kMaxErrors = 10;

struct Lowered {
  ir::Module module;                // verified, if there are no errors
  std::vector<std::string> errors;  // one line each
};

// Files of LLVM bitcode or assembly.
Lowered lower_files(const std::vector<std::string>& paths);
// LLVM assembly; for tests.
Lowered lower_assembly(std::string_view text);

}  // namespace bf::lower
