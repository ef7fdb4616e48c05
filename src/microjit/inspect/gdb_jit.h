// GDB's JIT interface: debuggers that stop at __jit_debug_register_code read the list behind
// __jit_debug_descriptor, and so know compiled functions by name, line and frame. The same in a process
// and in the kernel (through QEMU's debug port).
//
//   GdbJit gdb;
//   options.observers.push_back(&gdb);   // one at a time; it must outlive the engine
//
// See "JIT Compilation Interface" in GDB's manual. Costs about a kilobyte per version.
#pragma once

#include <memory>
#include <vector>

#include "microjit/inspect/code_observer.h"

namespace bf::microjit {

class GdbJit final : public CodeObserver {
 public:
  GdbJit();
  ~GdbJit();
  void added(const ir::Module& module, const Version& version) override;
  void removed(const Version& version) override;

 private:
  struct Entry;
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace bf::microjit
