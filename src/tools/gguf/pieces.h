// Work in pieces, by all cores.
#pragma once

#include <functional>

#include "runtime/base.h"

namespace bf::gguf {

// Calls `work` for every piece from 0 to count - 1, in any order, from `threads` threads; ends
// early with the first failure. 0 threads: as many as there are cores.
Result<void> for_each_piece(u64 count, u32 threads, const std::function<Result<void>(u64)>& work);

}  // namespace bf::gguf
