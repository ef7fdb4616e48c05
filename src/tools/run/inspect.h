// bf-run's looking inside (docs/inspect.md): --gdb, --perf-map, --trace, --tier-log, --disassemble and
// --annotate.
#pragma once

#include "tools/run/options.h"

namespace bf::run {

// Before the engine is made: adds the observers, starts the sampler.
void start_inspection(Options& options);
// When the program has ended: writes the files and listings that were asked for.
void finish_inspection(const microjit::Engine& engine, const Options& options);

}  // namespace bf::run
