// The models of a machine: files on its disks, and boot modules.
#pragma once

#include "runtime/fs/volumes.h"
#include "runtime/shell/models.h"

namespace bf::boot {

// Reads a model of machine_volumes() into memory: from then on it is the blob "model".
Result<void> load_model(const fs::Volumes::Model& model);

// Models of machine_volumes() as a person sees them, in their order.
std::vector<shell::ShelfModel> shelf_rows(std::span<const fs::Volumes::Model> models);

// The same for the word /model; it also knows which one is in use. After find_model().
shell::ModelShelf& model_shelf();
// Whether the model in use was read from a disk, and is no boot module.
bool model_is_from_disk();

}  // namespace bf::boot
