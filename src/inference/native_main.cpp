// bf-native: the inference program compiled natively, in a Linux process. The oracle for tests, and
// the ahead-of-time rival in benchmarks.
#include "arch/host/command_line.h"
#include "runtime/platform.h"
#include "runtime/program_abi.h"
#include "runtime/program_imports.h"

int main(int argc, char** argv) {
  bf::host::start(argc, argv);
  bf::set_console_columns(bf::host::terminal_columns);
  bf::platform::exit(bf_main());
}
