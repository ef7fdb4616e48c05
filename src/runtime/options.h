// The options of this run: the "options" blob, one `key=value` a line; the last line of a key wins.
//
//   if (auto tier = options::find("tier")) ...
//
// Keys are listed in docs/options.md. The program reads the same blob by itself.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/base.h"

namespace bf::options {

// The value of `key` in `text` (lines of key=value), or nothing.
std::optional<std::string_view> find_in(std::string_view text, std::string_view key);

// The value of `key` in this run's options.
std::optional<std::string_view> find(std::string_view key);

}  // namespace bf::options
