// How many cells of a terminal a character takes.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// 0 for what joins the character before it (combining marks, joiners), 2 for what East Asian
// terminals show in two cells, else 1. Not for control characters.
u32 character_width(u32 character);

}  // namespace bf::x86
