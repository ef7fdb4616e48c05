// Memory as a disk: for images that came with the machine, and for tests.
//
//   MemoryDevice disk("image", {bytes, count}, 512);
#pragma once

#include <cstring>

#include "runtime/fs/block_device.h"

namespace bf::fs {

class MemoryDevice final : public BlockDevice {
 public:
  // What does not fill a sector at the end does not belong to it. The memory must outlive it.
  MemoryDevice(const char* name, std::span<u8> memory, u32 sector_bytes, bool writable = true)
      : BlockDevice({.name = name,
                     .sector_bytes = sector_bytes,
                     .sector_count = memory.size() / sector_bytes,
                     .writable = writable}),
        memory_(memory) {}

 private:
  Result<void> read_sectors(u64 first, std::span<u8> to) override {
    std::memcpy(to.data(), memory_.data() + first * sector_bytes(), to.size());
    return {};
  }
  Result<void> write_sectors(u64 first, std::span<const u8> from) override {
    std::memcpy(memory_.data() + first * sector_bytes(), from.data(), from.size());
    return {};
  }
  Result<void> flush_cache() override { return {}; }

  std::span<u8> memory_;
};

}  // namespace bf::fs
