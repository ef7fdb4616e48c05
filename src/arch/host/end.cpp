// The two ways a process of the host platform ends.
#include <stdio.h>
#include <stdlib.h>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf {

void platform::exit(i32 status) {
  ::exit(status);
}

void panic(const char* file, int line, const char* message) {
  host::restore_terminal();
  fprintf(stderr, "\npanic: %s:%d: %s\n", file, line, message);
  abort();
}

}  // namespace bf
