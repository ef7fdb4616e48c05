// Composition root of the host: the same engine and the same program image in a Linux process.
#include "arch/host/command_line.h"
#include "boot/run.h"
#include "runtime/platform.h"

int main(int argc, char** argv) {
  bf::host::start(argc, argv);
  bf::platform::exit(bf::run_program());
}
