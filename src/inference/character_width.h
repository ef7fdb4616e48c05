// How many cells of a terminal a character takes.
#pragma once

#include "inference/types.h"

namespace inference {

// 0 for what joins the character before it, 2 for what East Asian terminals show in two cells, else 1.
u64 character_width(u32 character);

}  // namespace inference
