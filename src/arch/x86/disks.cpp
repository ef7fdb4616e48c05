#include "arch/x86/disks.h"

#include "arch/x86/pci_machine.h"
#include "arch/x86/print.h"

namespace bf::x86 {

namespace {

DiskList* all_disks = nullptr;

void find_all() {
  all_disks = new DiskList;
  for (const pci::Function& f : pci::functions()) {
#define BF_DISK_DRIVER(name, what) add_##name##_disks(f, *all_disks);
#include "arch/x86/disk_drivers.def"
#undef BF_DISK_DRIVER
  }
  for (const DmaDisk* disk : *all_disks)
    print("[disk] %s: %lu MiB, %u-byte sectors%s (%s)\n", disk->name(), disk->bytes() >> 20,
          disk->sector_bytes(), disk->writable() ? "" : ", read-only", disk->description());
}

}  // namespace

std::span<DmaDisk* const> find_disks() {
  if (all_disks == nullptr) find_all();
  return *all_disks;
}

void flush_disks() {
  if (all_disks == nullptr) return;
  for (DmaDisk* disk : *all_disks)
    if (auto done = disk->flush(); disk->writable() && !done) print("[disk] %s\n", done.error().message());
}

}  // namespace bf::x86
