#include "inference/name_table.h"

namespace inference {

namespace {

constexpr u64 kMostProbes = 1000;

}  // namespace

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

bool NameTable::allocate(u64 count) {
  u64 slots = 16;
  while (slots < count * 2) slots *= 2;
  mask_ = slots - 1;
  seed_ = bf_random_seed();
  return slots_.allocate(slots);
}

const NameTable::Slot* NameTable::locate(Text name) const {
  u64 at = hash_text(name, seed_) & mask_;
  for (u64 probe = 0; probe < kMostProbes; ++probe) {
    const Slot& slot = slots_[at];
    if (slot.name == nullptr) return &slot;
    if (Text(slot.name, slot.name_bytes) == name) return &slot;
    at = (at + 1) & mask_;
  }
  return nullptr;
}

u32 NameTable::insert(Text name, u32 number) {
  Slot* slot = const_cast<Slot*>(locate(name));
  if (slot == nullptr || name.size > UINT32_MAX) return kFull;
  const u32 old = slot->name == nullptr ? kNone : slot->number;
  *slot = {name.data, static_cast<u32>(name.size), number};
  return old;
}

u32 NameTable::find(Text name) const {
  if (slots_.size() == 0) return kNone;
  const Slot* slot = locate(name);
  return slot == nullptr || slot->name == nullptr ? kNone : slot->number;
}

}  // namespace inference
