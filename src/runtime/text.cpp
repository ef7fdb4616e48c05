#include "runtime/text.h"

#include <cstdarg>
#include <cstdio>

namespace bf {

void Text::format(const char* pattern, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, pattern);
  const int length = std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  if (length > 0)
    append({line, static_cast<usize>(length) < sizeof line ? static_cast<usize>(length)
                                                           : sizeof line - 1});
}

void Text::append_grouped(u64 number) {
  char digits[27];
  usize at = sizeof digits;
  u32 count = 0;
  do {
    if (count != 0 && count % 3 == 0) digits[--at] = ',';
    digits[--at] = static_cast<char>('0' + number % 10);
    number /= 10;
    ++count;
  } while (number != 0);
  append({digits + at, sizeof digits - at});
}

void Text::append_json(std::string_view s) {
  append("\"");
  for (const char c : s) {
    if (c == '"' || c == '\\') format("\\%c", c);
    else if (static_cast<unsigned char>(c) < 0x20) format("\\u%04x", static_cast<unsigned>(c));
    else append({&c, 1});
  }
  append("\"");
}

void Text::append_decimal(u64 value, u64 scale, u32 decimals) {
  format("%llu", static_cast<unsigned long long>(value / scale));
  if (decimals == 0) return;
  append(".");
  u64 rest = value % scale;
  for (u32 i = 0; i < decimals; ++i) {
    rest *= 10;
    format("%llu", static_cast<unsigned long long>(rest / scale));
    rest %= scale;
  }
}

}  // namespace bf
