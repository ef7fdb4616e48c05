// A port of an AHCI controller: one command at a time, waited for by asking. Numbers: Serial ATA
// AHCI 1.3.1; commands: ACS-3.
//
//   AhciPort port(controller_registers, 0, memory, memory_end);
//   if (port.start() == AhciPort::Kind::Disk) add_ata_disk(port, buffer, disks);
//   ...);
#pragma once

#include "arch/x86/ata_disk.h"

namespace bf::x86 {

class AhciPort final : public AtaPort {
 public:
  // What the port's lists lie in: this much, aligned to 4 KiB, zeroed, where the device can reach
  // it.
  static constexpr usize kMemoryBytes = 4096;
  static constexpr u64 kMostBytes = u64{16} << 20;  // of a command

  AhciPort(u8* controller, u32 number, u8* memory, u64 end)
      : registers_(controller + 0x100 + u64{0x80} * number), memory_(memory) {
    kind = "AHCI";
    name = "ahci";
    most_bytes = kMostBytes;
    memory_end = end;
  }

  enum class Kind : u8 { Nothing, Disk, Disc };
  // Connects, if there is something, and gets ready for commands.
  Kind start();
  // Whether the device may still write to the port's memory: what it sends first may come late.
  bool may_write() const { return may_write_; }

  Result<void> run(const AtaCommand& command, u64 memory, u64 bytes) override;
  void settle() override { recover(); }

 private:
  Kind connect();
  bool stop();
  bool go();
  void reset_link();
  void recover();
  void build(const AtaCommand& command, u64 memory, u64 bytes);
  Result<void> wait();

  u8* const registers_;
  u8* const memory_;
  bool ready_ = false;  // for a command
  bool may_write_ = false;
};

}  // namespace bf::x86
