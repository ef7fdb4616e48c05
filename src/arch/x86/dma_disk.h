// What disks have in common that move sectors by themselves (DMA): long transfers are cut to what a
// command can hold, and memory that a device cannot reach goes through a buffer.
#pragma once

#include "arch/x86/clock.h"
#include "runtime/fs/block_device.h"

namespace bf::x86 {

// Registers in memory.
template <class T>
T read_register(const u8* base, usize offset) {
  return *reinterpret_cast<const volatile T*>(base + offset);
}
template <class T>
void write_register(u8* base, usize offset, T value) {
  *reinterpret_cast<volatile T*>(base + offset) = value;
}

class DmaDisk : public fs::BlockDevice {
 public:
  // Text for the log behind the name and the size: "AHCI, QEMU HARDDISK".
  const char* description() const { return description_; }

  // For a machine that has failed: whatever was asked of the disk when that happened, and by whom, is
  // brought to an end, so that something else can be asked.
  virtual void settle() = 0;

 protected:
  struct Reach {
    u64 most_bytes = u64{4} << 20;  // of a command
    u64 memory_end = ~u64{0};       // the first address that the device cannot reach
  };
  DmaDisk(const Facts& facts, const Reach& reach) : BlockDevice(facts), reach_(reach) {}
  ~DmaDisk() = default;

  enum class Way : u8 { Read, Write };
  // One command: whole sectors, at most as many as fit, of contiguous physical memory that can be
  // reached.
  virtual Result<void> transfer(Way way, u64 first, u64 memory, u32 sectors) = 0;

  char description_[64] = {};

 private:
  Result<void> read_sectors(u64 first, std::span<u8> to) final;
  Result<void> write_sectors(u64 first, std::span<const u8> from) final;
  Result<void> move(Way way, u64 first, u8* memory, u64 bytes);
  bool reaches(const u8* memory, u64 bytes) const;

  const Reach reach_;
  u8* bounce_ = nullptr;
};

}  // namespace bf::x86
