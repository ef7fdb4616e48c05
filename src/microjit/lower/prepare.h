// Rewrites an LLVM module before it is lowered, where LLVM itself has the simpler form:
//
//   masked loads, stores, gathers, scatters   into branches around scalar accesses
//   tables of 32-bit distances                into tables of pointers (llvm.load.relative, which
//                                             clang makes of tables of strings unless -fno-pic)
#pragma once

namespace llvm {
class Module;
}

namespace bf::lower {

void prepare(llvm::Module& module);

}  // namespace bf::lower
