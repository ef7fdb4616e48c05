// Data parallelism: a range of rows, split over the cores.
//
//   workers::parallel_for(0, rows, 16, body, &context);
//
// There are no tasks: one range at a time, the caller's core takes part and returns when all is
// done. Each core starts with a contiguous share, as large as it has proved fast at this kind of
// work (the same body), and takes it piece by piece from the front; who has finished takes pieces
// from the back of the others' shares. A core that does not come, because the system runs something
// else on it, has taken nothing and is not waited for.
//
// What takes one core a few microseconds, as it did the last times, is not shared at all.
//
// Cores that wait, for work or for the last piece of it, look for a while (patience.h) and then
// sleep.
//
// One caller at a time, and none from a body.
#pragma once

#include "runtime/base.h"

namespace bf::workers {

inline constexpr u32 kMostCores = 64;

using Body = void (*)(void* context, u64 first, u64 last);

// Runs `body(context, first, last)` over disjoint ranges that together cover [begin, end). Ranges
// start at multiples of `grain` (at least 1) above `begin`.
void parallel_for(u64 begin, u64 end, u64 grain, Body body, void* context);

// What a worker calls between two pieces of work: after its part of each range, and before it
// sleeps. It holds nothing of the program then. Set by the engine, before the first parallel_for.
enum class Rest : u8 { Short, Sleep };
void set_rest_hook(void (*hook)(Rest));

// Shares also what is not worth it: for tests, and to measure what sharing costs.
void share_all(bool on);

// What has happened since the start, for the benchmark and tests; exact while nothing runs.
struct Counts {
  u64 ranges = 0;  // that were shared: of several grains, on several cores, and worth it
  u64 pieces = 0;
  u64 stolen = 0;  // pieces of another core's share
  u64 sleeps = 0;  // of workers and of callers
};
Counts counts();

// How much of each kind of work every core has done: of ranges with the same body. Ranges that were
// not worth sharing are the first core's. Exact while nothing runs.
struct Work {
  Body body = nullptr;
  u64 items[kMostCores] = {};
};
// Fills in at most `most` of them; how many there are.
u32 work_done(Work* all, u32 most);

// Cores that take part, the caller's included. Starts them.
u32 core_count();

}  // namespace bf::workers
