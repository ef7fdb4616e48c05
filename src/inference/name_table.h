// From names to numbers: an open-addressing hash table over texts that it does not own.
//
//   NameTable table;
//   if (!table.allocate(count)) ...
//   u32 old = table.insert(name, 7);       // kNone, or the number it had before
//   u32 number = table.find(name);         // kNone if absent
//
// The names may come from a hostile file: the hash is seeded per run, and an insertion that has to
// look at too many others refuses (kFull) instead of getting slower and slower.
#pragma once

#include "inference/types.h"

namespace inference {

// Differs from seed to seed; a second text goes on with the first one's hash as its seed.
u64 hash_text(Text text, u64 seed);

class NameTable {
 public:
  static constexpr u32 kNone = UINT32_MAX;
  static constexpr u32 kFull = UINT32_MAX - 1;

  // Room for `count` names; false where memory is short. Numbers must be below kFull.
  [[nodiscard]] bool allocate(u64 count);

  // Makes `number` what `name` stands for. The text must stay where it is.
  u32 insert(Text name, u32 number);

  u32 find(Text name) const;

 private:
  struct Slot {
    const char* name;  // null where the slot is empty
    u32 name_bytes;
    u32 number;
  };

  // The slot of `name`, or the empty one where it belongs; null after too many others.
  const Slot* locate(Text name) const;

  Array<Slot> slots_;
  u64 mask_ = 0;
  u64 seed_ = 0;
};

}  // namespace inference
