// What bench/interpreter_pairs.py asks: how often cells run one after the other. Only in binaries
// made with BF_COUNT_CELLS. At the end, the file that BAREFLOW_CELLS names gets a line per pair and
// triple of handlers that stand next to each other: count and addresses, in hexadecimal, relative
// to the binary. A line with one address counts a handler.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <unordered_map>

#include "microjit/interp/cell_access.h"

extern "C" const char __executable_start;

namespace bf::microjit::interp {

namespace {

struct Step {
  const void* handlers[3];
  bool operator==(const Step&) const = default;
};
struct Hash {
  usize operator()(const Step& s) const {
    u64 h = 0;
    for (const void* const handler : s.handlers)
      h = (h ^ reinterpret_cast<u64>(handler)) * 0x9e3779b97f4a7c15;
    return h >> 20;
  }
};
using Counts = std::unordered_map<Step, u64, Hash>;

// Programs of one thread are counted.
Counts& counts() {
  static Counts* const all = new Counts;
  return *all;
}

void write() {
  const char* const name = std::getenv("BAREFLOW_CELLS");
  std::FILE* const file = name ? std::fopen(name, "w") : nullptr;
  if (!file) return;
  for (const auto& [step, count] : counts()) {
    std::fprintf(file, "%llu", static_cast<unsigned long long>(count));
    for (const void* const handler : step.handlers)
      if (handler)
        std::fprintf(file, " %llx",
                     static_cast<unsigned long long>(reinterpret_cast<u64>(handler) -
                                                     reinterpret_cast<u64>(&__executable_start)));
    std::fputc('\n', file);
  }
  std::fclose(file);
}

}  // namespace

const Cell* count_step(const Cell* cell, const Cell* next) {
  static const Cell* before = nullptr;  // where `cell` came from by standing next to it
  static const bool registered = std::atexit(write) == 0;
  static_cast<void>(registered);
  const auto handler = [](const Cell* c) { return reinterpret_cast<const void*>(c->handler); };
  Counts& all = counts();
  ++all[{handler(next)}];
  if (next != cell + 1) {
    before = nullptr;
    return next;
  }
  ++all[{handler(cell), handler(next)}];
  if (before && before + 1 == cell) ++all[{handler(before), handler(cell), handler(next)}];
  before = cell;
  return next;
}

}  // namespace bf::microjit::interp
