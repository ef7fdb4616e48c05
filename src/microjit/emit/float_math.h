// What several emitters compute with floats, in the order in which src/inference does it:
// exponentials, and what 16 lanes come to.
#pragma once

#include "microjit/emit/emitted_function.h"

namespace bf::microjit::emit {

// x = e^x, as exp_lanes of src/inference/math.h. Uses four vectors from `scratch` on.
void exponential(EmittedFunction& f, V x, V scratch);

// One number of 16 lanes: with 64 bytes those of `even`, with 32 bytes of `even` and then `odd`.
// Joined in the order of src/inference/vector.h: 8 apart, then 4, 2, 1. It comes into the lowest
// lane of `even`; `odd` is used up. Both below 16.
void sum_of_lanes(EmittedFunction& f, V even, V odd);
void greatest_lane(EmittedFunction& f, V even, V odd);

}  // namespace bf::microjit::emit
