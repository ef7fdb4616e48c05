#include "arch/x86/print.h"

#include <cstdarg>

#include "runtime/platform.h"

namespace bf::x86 {

void print(const char* pattern, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, pattern);
  const int length = std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  if (length <= 0) return;
  const usize bytes = static_cast<usize>(length);
  platform::write(platform::Stream::Log, {line, bytes < sizeof line ? bytes : sizeof line - 1});
}

}  // namespace bf::x86
