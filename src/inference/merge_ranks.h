// The merges of a byte-pair vocabulary ("Ġ t", the first of the list first) as a table.
//
//   MergeRanks ranks;
//   if (!ranks.build(merges)) ...          // memory is short, or the merges are made to collide
//   const u32 rank = ranks.find("Ġ", "t")  // kNone if they are not to be merged
#pragma once

#include "inference/gguf.h"
#include "inference/types.h"

namespace inference {

class MergeRanks {
 public:
  static constexpr u32 kNone = UINT32_MAX;

  // The texts stay in the file.
  [[nodiscard]] bool build(const GgufArray& merges);

  u32 find(Text left, Text right) const;

 private:
  struct Slot {
    const char* text;  // null where the slot is empty
    u32 left_bytes;
    u32 right_bytes;  // behind the left one and a space
    u32 rank;
  };
  u64 locate(Text left, Text right) const;

  Array<Slot> slots_;
  u64 mask_ = 0;
  u64 seed_ = 0;
};

}  // namespace inference
