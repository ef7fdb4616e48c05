// The strings of an array of strings in a GGUF file, by number, where they lie: four bytes each.
//
//   StringList pieces;
//   if (!pieces.build(array)) ...     // memory is short
//   Text piece = pieces[7];
#pragma once

#include "inference/gguf.h"

namespace inference {

class StringList {
 public:
  // The texts stay in the file. Arrays of more than 4 GiB are refused as if memory was short.
  [[nodiscard]] bool build(const GgufArray& array) {
    if (!offsets_.allocate(array.count)) return false;
    first_ = array.data;
    GgufStrings strings(array);
    for (u64 i = 0; i < array.count; ++i) {
      const u64 offset = static_cast<u64>(strings.here() - first_);
      if (offset > UINT32_MAX) return false;
      offsets_[i] = static_cast<u32>(offset);
      strings.next();
    }
    return true;
  }

  u64 size() const { return offsets_.size(); }
  Text operator[](u64 index) const { return GgufStrings(first_ + offsets_[index]).next(); }

 private:
  const u8* first_ = nullptr;
  Array<u32> offsets_;
};

}  // namespace inference
