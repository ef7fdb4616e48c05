// A program that fails, as its prompt says: what a report says of code compiled at run time, and of the
// interpreter's. Compiled to an image like the real one.
#include "runtime/program_abi.h"

namespace {

// Called through a variable, so that nobody makes one function of them.
using Step = int (*)(const char* what);
int fail_as_told(const char* what);
int in_between(const char* what);
Step volatile first = in_between, second = fail_as_told;

volatile int* volatile nowhere = nullptr;

int recurse(int depth) {
  volatile int frame[64];
  frame[depth % 64] = depth;
  Step volatile* again = &second;
  return recurse(depth + 1) + frame[depth % 64] + (*again == nullptr ? 1 : 0);
}

// Core 0 is slow and gives signs of life, so that others have come for a share of the work by the time
// it is done; those do not come back.
void turn(void*, uint64_t, uint64_t) {
  bf_clock_ns();
  const bool comes_back = bf_core_index() == 0;
  volatile int rounds = 0;
  while (rounds < 1000000 || !comes_back) rounds = rounds + 1;
}

int fail_as_told(const char* what) {
  switch (*what) {
    case 'r': return *nowhere;  // "read"
    case 'w': *nowhere = 1; return 0;  // "write"
    case 's': return recurse(0);  // "stack"
    case 'l':  // "loop"
      for (volatile int rounds = 0;;) rounds = rounds + 1;
    case 'c': bf_parallel_for(0, 1000, 1, turn, nullptr); return 0;  // "core"
    case 't': __builtin_trap();  // "trap"
    case 'a': bf_abort("as told", 7);  // "abort"
  }
  return 0;
}

int in_between(const char* what) { return second(what) + 1; }

}  // namespace

extern "C" int32_t bf_main() {
  uint64_t bytes;
  const auto* what = static_cast<const char*>(bf_blob("prompt", 6, &bytes));
  return what == nullptr ? 3 : first(what) + 2;
}
