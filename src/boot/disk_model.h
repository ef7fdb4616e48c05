// The model from a disk, where the boot loader brought none.
#pragma once

#include "runtime/base.h"

namespace bf::boot {

// Makes the blob "model" from a .gguf on the machine's disks if there is no boot module of that
// name, or if the option `model` names one (by its name or path, whatever the case of its letters).
// Of several that nobody has named a person chooses, if the option `interactive` says that there is
// one. That there are none is no error here. On the main stack: reading directories takes some.
Result<void> find_model();

}  // namespace bf::boot
