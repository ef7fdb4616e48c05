// The merges of a byte-pair vocabulary ("Ġ t", the first of the list first) as a table.
//
//   MergeRanks ranks;
//   if (!ranks.build(merges)) ...          // memory is short, or the merges are made to collide
//   const u32 rank = ranks.find("Ġ", "t")  // kNone if they are not to be merged
#pragma once

#include "inference/name_table.h"
#include "inference/string_list.h"

namespace inference {

class MergeRanks {
 public:
  static constexpr u32 kNone = NameTable::kNone;

  // The texts stay in the file.
  [[nodiscard]] bool build(const GgufArray& merges);

  u32 find(Text left, Text right) const;

 private:
  bool is_merge(u32 rank, Text left, Text right) const;

  StringList merges_;
  NameTable ranks_;
};

}  // namespace inference
