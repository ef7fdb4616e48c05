// Loops over the cores.
//
//   parallel_for(0, matrix.groups(), 1, [&](u64 first, u64 last) { ... });
//
// The body runs on ranges that together cover all, and must not start another such loop.
#pragma once

#include "inference/types.h"

namespace inference {

template <class Body>
void parallel_for(u64 begin, u64 end, u64 grain, Body body) {
  const auto run = [](void* context, u64 first, u64 last) {
    (*static_cast<Body*>(context))(first, last);
  };
  if (end - begin <= grain)
    body(begin, end);
  else
    bf_parallel_for(begin, end, grain, run, &body);
}

}  // namespace inference
