// What an ATA disk says about itself: the 512 bytes of IDENTIFY DEVICE (ACS-3, 7.12.7).
//
// A pure function over bytes, tested on the host.
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::x86::ata {

struct Identity {
  char model[41] = {};
  u64 sector_count = 0;
  u32 sector_bytes = 512;
  bool has_48_bits = false;  // of addresses, and the commands that go with them
  bool has_dma = false;
};

Identity read_identity(std::span<const u8, 512> bytes);

}  // namespace bf::x86::ata
