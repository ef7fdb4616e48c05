// The volumes on the machine's disks, once for all who read or write them: what is written through one
// fs::Volumes makes another one stale.
#pragma once

#include "runtime/fs/volumes.h"

namespace bf::boot {

// Disks are looked for at the first call, with lines in the log about what was found. Files that are
// written get the date of the wall clock. On the main stack: reading directories takes some.
fs::Volumes& machine_volumes();

// Lines of a text, each behind "[disk]".
void log_disk_lines(std::string_view lines);

}  // namespace bf::boot
