// Signs of life: whoever gets on with the program's work says so, and a watchdog may look.
#pragma once

#include <atomic>

#include "runtime/base.h"

namespace bf {

inline std::atomic<u32> progress{0};

// From any core. Two at once may count as one.
inline void note_progress() {
  progress.store(progress.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

}  // namespace bf
