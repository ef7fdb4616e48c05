#include "microjit/inspect/perf_map.h"

#include <unistd.h>

namespace bf::microjit {

namespace {

std::FILE* open_map() {
  char name[64];
  std::snprintf(name, sizeof name, "/tmp/perf-%d.map", static_cast<int>(getpid()));
  return std::fopen(name, "w");
}

}  // namespace

PerfMap::PerfMap() : file_(open_map()) {}
PerfMap::~PerfMap() {
  if (file_) std::fclose(file_);
}

void PerfMap::added(const ir::Module& module, const Version& version) {
  if (!file_) return;
  const auto name = module.name(*version.function->function);
  std::fprintf(file_, "%llx %x %.*s@%s\n",
               static_cast<unsigned long long>(reinterpret_cast<u64>(version.entry)),
               version.code_bytes, static_cast<int>(name.size()), name.data(),
               tier_name(version.tier));
  std::fflush(file_);  // the program may end by a signal
}

}  // namespace bf::microjit
