// A general-purpose heap over platform::allocate_pages.
//
//   void* block = heap::allocate(bytes);             // aligned to 16
//   void* block = heap::allocate_zeroed(bytes, 64);
//   heap::release(block);
//
// Blocks of up to 32 KiB come from size classes (at most a quarter of a block is slack), cut from
// chunks of 64 KiB, or of six blocks where they are larger than that; the others are mapped from the
// platform one by one. What holds nothing any more goes back to the platform: a large block at once, a
// chunk unless it is the only one of its class with room. So a heap in which nothing lives holds one
// chunk of each class at most (kMostIdleBytes), whatever has been in it, and what was needed for blocks
// of one size is there for those of another; test/unit/heap_stress_test.cpp has the numbers for days of
// the program and the compilers. Blocks never move: one that lives holds its chunk.
//
// Every block has a header in front of it, so a second release and an overwritten header are
// noticed and stop the machine. May be called from any core; one lock guards the size classes.
#pragma once

#include "runtime/base.h"

namespace bf::heap {

inline constexpr usize kDefaultAlignment = 16;

// At least `bytes` of memory, aligned to `alignment` (a power of two from 16 to 4096); null where
// there is not that much left. allocate(0) is a block of its own.
[[nodiscard]] void* allocate(usize bytes, usize alignment = kDefaultAlignment);

// The same, filled with zeroes.
[[nodiscard]] void* allocate_zeroed(usize bytes, usize alignment = kDefaultAlignment);

// A block of at least `bytes` with the old block's contents, which is released; null (and the old
// block untouched) where there is not that much left. Null `block` just allocates.
[[nodiscard]] void* reallocate(void* block, usize bytes);

// Gives a block back. Null is allowed.
void release(void* block);

// How many bytes may be used at `block`; at least what was asked for.
usize usable_bytes(const void* block);

// What the heap may hold of the platform with nothing in it.
extern const usize kMostIdleBytes;

// Gives the platform back the chunks that nothing is in. (An allocation does so before it fails.)
void trim();

struct Statistics {
  usize live_blocks = 0;
  usize live_bytes = 0;  // usable bytes of the blocks that are out
  usize page_bytes = 0;  // what the heap holds of the platform
};
Statistics statistics();

}  // namespace bf::heap
