// Text that grows: for logs, reports and JSON, where std::string is not to be had.
//
//   Text text;
//   text.format("%u of %u", done, all);
//   platform::write(Stream::Log, text.view());
#pragma once

#include <string_view>
#include <vector>

#include "runtime/base.h"

namespace bf {

// For "%.*s": of a name from outside not more than a line should hold.
inline int printed_length(std::string_view text, usize most = 100) {
  return static_cast<int>(text.size() < most ? text.size() : most);
}

class Text {
 public:
  void append(std::string_view s) { bytes_.insert(bytes_.end(), s.begin(), s.end()); }
  // printf-style, integers and strings only (no floats: the kernel's printf has none). One call
  // appends at most 511 bytes.
  [[gnu::format(printf, 2, 3)]] void format(const char* pattern, ...);
  // 1234567 as "1,234,567".
  void append_grouped(u64 number);
  // A JSON string, quoted and escaped; bytes that are not UTF-8 pass through.
  void append_json(std::string_view s);
  // `value / scale` with so many decimals, cut, not rounded: (1234, 1000, 2) is "1.23".
  void append_decimal(u64 value, u64 scale, u32 decimals);

  std::string_view view() const { return {bytes_.data(), bytes_.size()}; }
  void clear() { bytes_.clear(); }

 private:
  std::vector<char> bytes_;
};

}  // namespace bf
