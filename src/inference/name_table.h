// From names to numbers: an open-addressing hash table of numbers whose names somebody else knows.
//
//   NameTable table;
//   if (!table.allocate(count)) ...
//   const auto is_name = [&](u32 number) { return names[number] == name; };
//   u32 old = table.insert(table.hash(name), 7, is_name);   // kNone, or the number it had before
//   u32 number = table.find(table.hash(name), is_name);     // kNone if absent
//
// The names may come from a hostile file: the hash is seeded per run, and an insertion that has to
// look at too many others refuses (kFull) instead of getting slower and slower.
#pragma once

#include "inference/types.h"

namespace inference {

class NameTable {
 public:
  static constexpr u32 kNone = UINT32_MAX;
  static constexpr u32 kFull = UINT32_MAX - 1;

  // Room for `count` names; false where memory is short. Numbers must be below kFull.
  [[nodiscard]] bool allocate(u64 count);

  // Of a name, or of one that consists of two parts. Differs from run to run.
  u64 hash(Text name) const;
  u64 hash(Text first, Text second) const;

  // Makes `number` what the name of that hash stands for; is_name(n) says whether it is that of n.
  template <class IsName>
  u32 insert(u64 hash, u32 number, const IsName& is_name) {
    const u64 at = locate(hash, is_name);
    if (at == kNowhere) return kFull;
    const u32 old = slots_[at] - 1;
    slots_[at] = number + 1;
    return old;
  }

  template <class IsName>
  u32 find(u64 hash, const IsName& is_name) const {
    if (slots_.size() == 0) return kNone;
    const u64 at = locate(hash, is_name);
    return at == kNowhere ? kNone : slots_[at] - 1;
  }

 private:
  static constexpr u64 kMostProbes = 1000;
  static constexpr u64 kNowhere = UINT64_MAX;

  // The slot of the name, or the empty one where it belongs; kNowhere after too many others.
  template <class IsName>
  u64 locate(u64 hash, const IsName& is_name) const {
    for (u64 probe = 0; probe < kMostProbes; ++probe) {
      const u64 at = (hash + probe) & mask_;
      if (slots_[at] == 0 || is_name(slots_[at] - 1)) return at;
    }
    return kNowhere;
  }

  Array<u32> slots_;  // a number and 1; 0 where empty
  u64 mask_ = 0;
  u64 seed_ = 0;
};

}  // namespace inference
