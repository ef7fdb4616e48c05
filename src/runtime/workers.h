// Data parallelism: a range of rows, split over the cores.
//
//   workers::parallel_for(0, rows, 4, body, &context);
//
// There are no tasks and no threads: the caller's core takes part and returns when all is done.
// A body must not start another parallel_for.
#pragma once

#include "runtime/base.h"

namespace bf::workers {

using Body = void (*)(void* context, u64 first, u64 last);

// Runs `body(context, first, last)` over disjoint ranges that together cover [begin, end). Ranges
// start at multiples of `grain` (at least 1) above `begin`.
void parallel_for(u64 begin, u64 end, u64 grain, Body body, void* context);

}  // namespace bf::workers
