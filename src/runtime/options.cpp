#include "runtime/options.h"

#include "runtime/platform.h"

namespace bf::options {

std::optional<std::string_view> find_in(std::string_view text, std::string_view key) {
  std::optional<std::string_view> found;
  while (!text.empty()) {
    const usize end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=')
      found = line.substr(key.size() + 1);
  }
  return found;
}

std::optional<std::string_view> find(std::string_view key) {
  const auto blob = platform::blob("options");
  return find_in({reinterpret_cast<const char*>(blob.data()), blob.size()}, key);
}

}  // namespace bf::options
