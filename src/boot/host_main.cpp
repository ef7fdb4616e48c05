// Composition root of the host: the same engine and the same program image in a Linux process.
#include <malloc.h>

#include "arch/host/bring_up.h"
#include "arch/host/command_line.h"
#include "boot/host_words.h"
#include "boot/run.h"
#include "runtime/platform.h"
#include "runtime/program_imports.h"

namespace {

// What compiling a function took is used again for the next one, on whatever thread that is: one arena
// for all of them, and nothing kept for each size of block that was large once.
void save_memory() {
  constexpr int kLargeBytes = 32 << 10;
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, kLargeBytes);
  mallopt(M_TOP_PAD, 0);
}

}  // namespace

int main(int argc, char** argv) {
  save_memory();
  bf::host::start(argc, argv);
  bf::set_console_columns(bf::host::terminal_columns);
  bf::provide_host_words();
  bf::set_terminal(bf::host::text_is_on_terminal());
  bf::platform::exit(bf::run_program());
}
