// Faults are remembered on a disk: in the file BAREFLOW/crash of the volume where the machine keeps
// its own files (runtime/fs/volumes.h), in the format of runtime/crash_record.h.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::boot {

// Nobody else may replace it: where it lies is known by heart.
inline constexpr std::string_view kCrashFileName = "crash";

// Says, once, if the last run ended with a fault; and makes sure that one of this run is remembered:
// the file is there and where it lies is known, so that writing needs no file system, no memory and no
// locks. Nothing happens without such a disk, or with the option `crash=0`. On the main stack:
// reading directories takes some.
void keep_crash_records();

}  // namespace bf::boot
