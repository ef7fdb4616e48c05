// Loops that are entered in their middle, made whole again.
//
// A continuation starts at the header of an inner loop. Left like that, the loops around it have two
// ways in and are no natural loops any more, so nothing would optimise them. Instead the rest of each
// outer loop's round is copied, innermost first: the entry runs the copies, and where they come to an
// outer loop's header, they enter it at its top.
//
//   entry -> h                       entry -> h'..rest of the round' -> H
//   H { .. h { } .. }                H { .. h { } .. }
#pragma once

#include "microjit/passes/cfg.h"

namespace bf::passes {

// A value that was copied: what stands for it in which block.
struct CopiedValue {
  ValueId original;
  BlockId block;
  ValueId copy;
};

// Copies what block `entry` (outside of all loops) needs, which jumps to some block of `cfg`. `cfg` is
// as it was before the entry came to be. Uses of what was copied are not rewritten but within
// a block: the caller repairs SSA form with what this returns. Loops that would take too much code are
// left as they are.
std::vector<CopiedValue> peel_entry(Graph& graph, const Cfg& cfg, BlockId entry);

}  // namespace bf::passes
