// The words of the shell that are about the engine: /tiers and /top.
#pragma once

#include "microjit/microjit.h"

namespace bf::microjit {

// They are about this engine from now on, which must outlive that; null: there is none. On a terminal,
// /top draws over its upper rows.
void provide_words(Engine* engine, bool terminal);

}  // namespace bf::microjit
