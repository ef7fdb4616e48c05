// Loops over the cores.
//
//   parallel_for(0, matrix.groups(), 1, [&](u64 first, u64 last) { ... });
//   parallel_for_each(tokens, [&](u64 token) { ... });
//
// Bodies run on ranges that together cover all, and must not start another such loop.
#pragma once

#include "inference/types.h"

namespace inference {

template <class Body>
void run_range(void* body, u64 first, u64 last) {
  (*static_cast<Body*>(body))(first, last);
}

// Inlined for the sake of names: one function for each body is enough in a profile. `run` is that
// function, where it shall have a name of its own.
template <class Body>
[[gnu::always_inline]] inline void parallel_for(u64 begin, u64 end, u64 grain, Body body,
                                                BfParallelBody run = run_range<Body>) {
  if (end - begin <= grain)
    run(&body, begin, end);
  else
    bf_parallel_for(begin, end, grain, run, &body);
}

template <class Body>
struct OneByOne {
  Body body;

  void operator()(u64 first, u64 last) {
    for (u64 i = first; i < last; ++i) body(i);
  }
};

template <class Body>
[[gnu::always_inline]] inline void parallel_for_each(u64 count, Body body) {
  parallel_for(0, count, 1, OneByOne<Body>{body});
}

}  // namespace inference
