// Checks of test programs that are no Catch2 ones (they fork, or run under ThreadSanitizer): what does
// not hold is printed with its line, and counted.
//
//   CHECK(sum == 3);
//   return test::failures == 0 ? 0 : 1;
#pragma once

#include <cstdio>

namespace test {
inline int failures = 0;
}

#define CHECK(condition)            \
  ((condition) ? (void)0            \
               : (void)(++test::failures, std::fprintf(stderr, "%d: %s\n", __LINE__, #condition)))
