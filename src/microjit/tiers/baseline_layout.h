// The order in which the baseline tier emits the blocks of a function: reverse post-order, so that
// every definition comes before its uses, with the blocks of a loop together.
#pragma once

#include "microjit/ir/module.h"

namespace bf::microjit::baseline {

struct Layout {
  static constexpr u32 kUnreachable = ~0u;

  explicit Layout(const ir::Function& function);

  std::vector<ir::BlockId> order;  // reachable blocks, entry first
  std::vector<u32> position;       // of a block in `order`, or kUnreachable
  std::vector<u32> depth;          // by position: how many loops are around the block
  std::vector<u32> incoming;       // by position: how many edges lead there
  // By position: the head (its position) of the innermost loop that the block is in, a head in its
  // own; and that of the next loop around a head's. kUnreachable: none.
  std::vector<u32> loop, outer;
};

}  // namespace bf::microjit::baseline
