// Rewrites an LLVM module before it is lowered, where LLVM itself has the simpler form:
//
//   masked loads, stores, gathers, scatters   into branches around scalar accesses
//   tables of 32-bit distances                into tables of pointers (llvm.load.relative, which
//                                             clang makes of tables of strings unless -fno-pic)
//   atomic minima, float sums and the like    into loops around a compare-exchange; what is 16
//                                             bytes wide into calls of libatomic's functions
//   operations on vectors of wide lanes       into operations on their lanes
//   switches and funnel shifts of wide        into comparisons, shifts, loops
//   integers, division of very wide ones
//   addresses of blocks, jumps to them        into numbers, and switches on them
//   llvm.global_ctors, llvm.global_dtors      into functions that call them all, in order:
//                                             bf_constructors and bf_destructors
#pragma once

namespace llvm {
class Module;
}

namespace bf::lower {

void prepare(llvm::Module& module);

// ---- The parts of it that have files of their own
void expand_atomics(llvm::Module& module);         // prepare_atomics.cpp
void replace_computed_gotos(llvm::Module& module);  // prepare_control.cpp
void take_lanes_apart(llvm::Module& module);       // prepare_lanes.cpp
void replace_wide_operations(llvm::Module& module);  // prepare_wide.cpp
void make_constructors(llvm::Module& module);

}  // namespace bf::lower
