// The two ways a process of the host platform ends.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/host/bring_up.h"
#include "runtime/platform.h"

namespace bf {

void platform::exit(i32 status) {
  if (const int lost = host::lost_output(); lost != 0) {
    fprintf(stderr, "error: output was lost: %s: make room, or write to another place\n",
            strerror(lost));
    if (status == 0) status = 1;
  }
  ::exit(status);
}

void panic(const char* file, int line, const char* message) {
  host::restore_terminal();
  fprintf(stderr, "\npanic: %s:%d: %s\n", file, line, message);
  abort();
}

}  // namespace bf
