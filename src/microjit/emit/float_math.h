// What several emitters compute with floats, in the order in which src/inference does it:
// exponentials, and what 16 lanes come to.
#pragma once

#include "microjit/emit/emitted_function.h"

namespace bf::microjit::emit {

// x = e^x of `count` vectors from `first` on, as exp_lanes of src/inference/math.h. Each is a chain of
// some thirty operations, so that several are done step by step together. Uses 2 * count + 1 vectors
// from `scratch` on.
void exponentials(EmittedFunction& f, V first, u32 count, V scratch);
// How many vectors to do together, with a few registers left for something else.
constexpr u32 exponentials_together(Set set) { return is_512(set) ? 8 : 4; }

// One number of 16 lanes: with 64 bytes those of `even`, with 32 bytes of `even` and then `odd`.
// Joined in the order of src/inference/vector.h: 8 apart, then 4, 2, 1. It comes into the lowest
// lane of `even`; `odd` is used up. Both below 16.
void sum_of_lanes(EmittedFunction& f, V even, V odd);
void greatest_lane(EmittedFunction& f, V even, V odd);

}  // namespace bf::microjit::emit
