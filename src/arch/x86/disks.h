// All disks of the machine, whatever they hang on.
//
//   for (DmaDisk* disk : find_disks()) volumes.add(*disk);
//
// They are looked for at the first call, with a line in the log for each one that is found. A
// driver is a row of disk_drivers.def.
#pragma once

#include <span>
#include <vector>

#include "arch/x86/dma_disk.h"
#include "arch/x86/pci.h"

namespace bf::x86 {

std::span<DmaDisk* const> find_disks();
// What was written to those that have been found is on them for good when this returns.
void flush_disks();

// A driver looks at a function of PCI, and adds the disks of those that are its kind.
using DiskList = std::vector<DmaDisk*>;
#define BF_DISK_DRIVER(name, what) \
  void add_##name##_disks(const pci::Function& function, DiskList& disks);
#include "arch/x86/disk_drivers.def"
#undef BF_DISK_DRIVER

}  // namespace bf::x86
