// The vocabulary of the inference program: fixed-width names, views, an owning array, an error.
//
// The program has no library below it: what it uses of the world is in program_abi.h, all the
// rest is here. There are no exceptions; a function that can fail because of its input returns
// false and fills in an Error, which is one line for a person.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <new>

#include "runtime/program_abi.h"

namespace inference {

using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using i8 = int8_t;
using i16 = int16_t;
using i32 = int32_t;
using i64 = int64_t;

template <class T>
constexpr T min(T a, T b) {
  return b < a ? b : a;
}

template <class T>
constexpr T max(T a, T b) {
  return a < b ? b : a;
}

// The smallest multiple of `multiple` that is not below `value`.
constexpr u64 round_up(u64 value, u64 multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

inline void copy_bytes(void* to, const void* from, u64 count) {
  __builtin_memcpy(to, from, count);
}

// A value from memory of any alignment.
template <class T>
inline T load_unaligned(const void* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

// A view of bytes or characters, not owned.
template <class T>
struct View {
  const T* data = nullptr;
  u64 size = 0;

  constexpr View() = default;
  constexpr View(const T* first, u64 count) : data(first), size(count) {}

  const T& operator[](u64 index) const { return data[index]; }
  bool empty() const { return size == 0; }
  const T* begin() const { return data; }
  const T* end() const { return data + size; }
  View from(u64 offset) const { return {data + offset, size - offset}; }
  View first(u64 count) const { return {data, count}; }
};

using Bytes = View<u8>;

// Memory that may be written to, not owned.
struct MutableBytes {
  u8* data = nullptr;
  u64 size = 0;

  operator Bytes() const { return {data, size}; }
};

// UTF-8 text, or whatever bytes a file calls so.
struct Text : View<char> {
  using View::View;
  constexpr Text(const View<char>& view) : View(view) {}
  template <u64 kSize>
  constexpr Text(const char (&literal)[kSize]) : View(literal, kSize - 1) {}
};

bool operator==(Text a, Text b);
bool starts_with(Text text, Text prefix);

// Memory of bf_alloc with an owner; elements start as zero bytes.
template <class T>
class Array {
 public:
  Array() = default;
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;
  ~Array() { bf_free(data_); }

  // Replaces the contents by `count` zeroed elements; false where memory is short.
  [[nodiscard]] bool allocate(u64 count) {
    bf_free(data_);
    data_ = nullptr;
    size_ = 0;
    if (count > UINT64_MAX / sizeof(T)) return false;
    data_ = static_cast<T*>(bf_alloc(count * sizeof(T)));
    size_ = data_ == nullptr ? 0 : count;
    return data_ != nullptr;
  }

  void swap(Array& other) {
    T* const data = data_;
    const u64 size = size_;
    data_ = other.data_;
    size_ = other.size_;
    other.data_ = data;
    other.size_ = size;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  u64 size() const { return size_; }
  T& operator[](u64 index) { return data_[index]; }
  const T& operator[](u64 index) const { return data_[index]; }

 private:
  T* data_ = nullptr;
  u64 size_ = 0;
};

}  // namespace inference
