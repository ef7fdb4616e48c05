// Token ids as text: whole numbers between white space.
//
//   List<u32> ids;
//   if (!read_ids("1 15043 3186", vocabulary, ids, error)) ...   // "tokens: word 2, 'x', ..."
#pragma once

#include "inference/list.h"
#include "inference/message.h"

namespace inference {

// At least one; each below `vocabulary`.
[[nodiscard]] bool read_ids(Text text, u64 vocabulary, List<u32>& ids, Error& error);

}  // namespace inference
