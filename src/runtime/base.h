// What every part of the runtime may use: fixed-width names, assertion, Result, small helpers.
//
// Three failures, three mechanisms (docs: HACKING.md):
//   a bug               BF_ASSERT / BF_UNREACHABLE: message, file, line, then bf::panic
//   bad input           Result<T>: the caller must look at it, the error says what, where, what now
//   missing hardware    a logged fallback
//
//   Result<Image> load(std::span<const u8> bytes);
//   auto image = load(bytes);
//   if (!image) return image.error();
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <new>
#include <utility>

namespace bf {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using usize = std::size_t;

// Says what went wrong and stops the machine (bare metal) or the process (host). Each platform
// implements it; it may be called from any state, allocates nothing.
[[noreturn]] void panic(const char* file, int line, const char* message);

#define BF_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::bf::panic(__FILE__, __LINE__, "assertion: " #condition))
#define BF_UNREACHABLE(message) ::bf::panic(__FILE__, __LINE__, message)

// Why something from outside was refused: one line for a person, with what to do about it.
class Error {
 public:
  // printf-style; cut to what fits.
  [[gnu::format(printf, 1, 2)]] static Error format(const char* pattern, ...);
  const char* message() const { return message_; }

 private:
  char message_[240] = {};
};

// A T or an Error. Must be looked at.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : has_value_(true) { ::new (static_cast<void*>(&value_)) T(std::move(value)); }
  Result(Error error) : error_(error) {}
  Result(Result&& other) : has_value_(other.has_value_) {
    if (has_value_) ::new (static_cast<void*>(&value_)) T(std::move(other.value_));
    else error_ = other.error_;
  }
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result() {
    if (has_value_) value_.~T();
  }

  explicit operator bool() const { return has_value_; }
  T& operator*() { return value(); }
  T* operator->() { return &value(); }
  T& value() {
    BF_ASSERT(has_value_);
    return value_;
  }
  const Error& error() const {
    BF_ASSERT(!has_value_);
    return error_;
  }

 private:
  bool has_value_ = false;
  union {
    T value_;
  };
  Error error_;
};

// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(error) {}
  explicit operator bool() const { return !failed_; }
  const Error& error() const {
    BF_ASSERT(failed_);
    return error_;
  }

 private:
  bool failed_ = false;
  Error error_;
};

// The smallest multiple of `alignment` (a power of two) that is not below `value`.
template <class T>
constexpr T align_up(T value, T alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace bf
