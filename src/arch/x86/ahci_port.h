// A port of an AHCI controller: one command at a time, waited for by asking. Numbers: Serial ATA
// AHCI 1.3.1; commands: ACS-3.
//
//   AhciPort port(controller_registers, 0, memory);
//   if (port.start() == AhciPort::Kind::Disk) port.run({.command = 0x25, .lba = 0, .count = 8},
//   ...);
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

class AhciPort {
 public:
  // What the port's lists lie in: this much, aligned to 4 KiB, zeroed, where the device can reach
  // it.
  static constexpr usize kMemoryBytes = 4096;
  static constexpr u64 kMostBytes = u64{16} << 20;  // of a command

  AhciPort(u8* controller, u32 number, u8* memory)
      : registers_(controller + 0x100 + u64{0x80} * number), memory_(memory) {}

  enum class Kind : u8 { Nothing, Disk, Disc };
  // Connects, if there is something, and gets ready for commands.
  Kind start();

  struct Command {
    u8 command = 0;
    u64 lba = 0;
    u32 count = 0;  // of sectors, up to 65,536
    u8 features = 0;
    u8 device = 0x40;
    const u8* packet = nullptr;  // 16 bytes for an ATAPI device
    bool writes = false;
  };
  // Waits for the end of the command. After an error the port is ready again.
  Result<void> run(const Command& command, u64 memory, u64 bytes);

 private:
  bool stop();
  bool go();
  void reset_link();
  void recover();
  void build(const Command& command, u64 memory, u64 bytes);
  Result<void> wait();

  u8* const registers_;
  u8* const memory_;
};

}  // namespace bf::x86
