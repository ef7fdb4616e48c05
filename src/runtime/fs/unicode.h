// The little of Unicode that names of files need.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "runtime/base.h"
#include "runtime/text.h"

namespace bf::fs {

// Appends UTF-16 as UTF-8; a surrogate without its other half becomes U+FFFD.
void append_utf16(Text& to, std::span<const u16> units);

// UTF-8 as UTF-16; false if it is not well formed.
[[nodiscard]] bool to_utf16(std::string_view text, std::vector<u16>& units);

// A name with such a character might tell a terminal what to do.
constexpr bool is_control(u16 unit) {
  return unit < 0x20 || unit == 0x7f;
}

// Whether two names are one where case does not count: ASCII, Latin, Greek and Cyrillic letters.
bool same_name(std::string_view a, std::string_view b);

}  // namespace bf::fs
