#include "runtime/base.h"

#include <cstdarg>

namespace bf {

Error Error::format(const char* pattern, ...) {
  Error error;
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(error.message_, sizeof error.message_, pattern, arguments);
  va_end(arguments);
  return error;
}

}  // namespace bf
