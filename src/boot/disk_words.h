// The word /disks.
#pragma once

#include "runtime/shell/shell.h"

namespace bf::boot {

// Drives with what is on them: partitions, file systems, models.
shell::Answer disks_word(shell::Call& call);

}  // namespace bf::boot
