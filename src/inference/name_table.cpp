#include "inference/name_table.h"

namespace inference {

namespace {

// Eight bytes at a time, multiplied and folded: names are short, and a large vocabulary is hashed
// before the first token.
u64 hash_text(Text name, u64 seed) {
  constexpr u64 kMultiplier = 0x9e3779b97f4a7c15;
  u64 state = seed ^ name.size;
  const char* at = name.data;
  u64 left = name.size;
  for (; left >= 8; at += 8, left -= 8) {
    state = (state ^ load_unaligned<u64>(at)) * kMultiplier;
    state ^= state >> 32;
  }
  u64 rest = 0;
  for (; left > 0; --left) rest = rest << 8 | static_cast<u8>(at[left - 1]);
  state = (state ^ rest) * kMultiplier;
  return state ^ state >> 32;
}

}  // namespace

bool NameTable::allocate(u64 count) {
  u64 slots = 16;
  while (slots < count * 2) slots *= 2;
  mask_ = slots - 1;
  seed_ = bf_random_seed();
  return slots_.allocate(slots);
}

u64 NameTable::hash(Text name) const {
  return hash_text(name, seed_);
}

u64 NameTable::hash(Text first, Text second) const {
  return hash_text(second, hash_text(first, seed_));
}

}  // namespace inference
