// Stands in for run.cpp while the kernel is built without the engine.
#include "arch/x86/blobs.h"
#include "arch/x86/print.h"
#include "boot/run.h"

namespace bf {

i32 run_program() {
  x86::print("BareFlow: this kernel has no engine; the blobs are:\n");
  for (const auto& blob : x86::all_blobs()) x86::print("  %s, %lu bytes\n", blob.name, blob.bytes.size());
  return 0;
}

}  // namespace bf
