// ATA disks and ATAPI discs, whatever they hang on: which commands move sectors (ACS-3, MMC-6), and
// what is done about errors. Controllers derive from AtaPort.
#pragma once

#include "arch/x86/disks.h"

namespace bf::x86 {

struct AtaCommand {
  u8 command = 0;
  u64 lba = 0;
  u32 count = 0;  // of sectors, up to 65,536
  u8 features = 0;
  u8 device = 0;
  bool writes = false;
  bool has_48_bits = false;    // of address and count
  bool by_words = false;       // the device does not move the data by itself (PIO)
  const u8* packet = nullptr;  // 16 bytes for an ATAPI device
};

// What one device hangs on.
class AtaPort {
 public:
  // Waits for the end of the command. After an error the port is ready again.
  virtual Result<void> run(const AtaCommand& command, u64 memory, u64 bytes) = 0;

  // DmaDisk::settle().
  virtual void settle() = 0;

  const char* kind = "";     // "AHCI"
  const char* name = "";     // of its disks, before their number: "ahci"
  u64 most_bytes = 0;        // of a command
  u64 memory_end = ~u64{0};  // the first address that it cannot reach

 protected:
  ~AtaPort() = default;
};

// Asks what there is, and adds it if it can be used. `buffer` is a page that the port can reach,
// its own; the port stays with the disk.
void add_ata_disk(AtaPort& port, u8* buffer, DiskList& disks);
void add_atapi_disc(AtaPort& port, u8* buffer, DiskList& disks);

}  // namespace bf::x86
