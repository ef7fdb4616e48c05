// Linux perf's map of code that was made at run time: /tmp/perf-PID.map, a line `address size name` for
// every version, which `perf report` reads. On hosts only. perf knows no times here: where memory was
// used again, the last name counts.
//
//   PerfMap map;
//   options.observers.push_back(&map);
//   ... perf record ./bf-run --perf-map prog.bfir; perf report
#pragma once

#include <cstdio>

#include "microjit/inspect/code_observer.h"

namespace bf::microjit {

class PerfMap final : public CodeObserver {
 public:
  // The process's map. Where it cannot be written, nothing is (ok() is false).
  PerfMap();
  ~PerfMap();
  PerfMap(const PerfMap&) = delete;
  bool ok() const { return file_ != nullptr; }

  void added(const ir::Module& module, const Version& version) override;
  void removed(const Version&) override {}

 private:
  std::FILE* file_;
};

}  // namespace bf::microjit
