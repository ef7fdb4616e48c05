// A row of values that grows at its end, in memory of bf_alloc.
//
//   List<u32> ids;
//   if (!ids.add(7)) ...        // memory is short
//   for (u64 i = 0; i < ids.size(); ++i) use(ids[i]);
#pragma once

#include "inference/types.h"

namespace inference {

template <class T>
class List {
 public:
  [[nodiscard]] bool add(const T& item) {
    if (size_ == items_.size() && !grow()) return false;
    items_[size_++] = item;
    return true;
  }

  // Keeps the memory.
  void clear() { size_ = 0; }
  void shrink(u64 size) { size_ = min(size, size_); }

  u64 size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return items_.data(); }
  const T* data() const { return items_.data(); }
  T& operator[](u64 index) { return items_[index]; }
  const T& operator[](u64 index) const { return items_[index]; }

 private:
  [[gnu::noinline]] bool grow() {
    Array<T> larger;
    if (!larger.allocate(max<u64>(2 * size_, 64))) return false;
    if (size_ > 0) copy_bytes(larger.data(), items_.data(), size_ * sizeof(T));
    items_.swap(larger);
    return true;
  }

  Array<T> items_;
  u64 size_ = 0;
};

}  // namespace inference
