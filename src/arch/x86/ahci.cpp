// Disks and discs behind an AHCI controller (Serial ATA AHCI 1.3.1), polled.
#include <cstring>

#include "arch/x86/ahci_port.h"
#include "arch/x86/disks.h"
#include "arch/x86/memory.h"
#include "arch/x86/pci_machine.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr u64 k4GiB = u64{1} << 32;

constexpr usize kControl = 0x04;

// 3.1.2: before the other registers are looked at. Some controllers take it at the second time.
void enable_ahci(u8* registers) {
  constexpr u32 kAhciEnabled = u32{1} << 31;
  for (int i = 0; i < 5; ++i) {
    const u32 control = read_register<u32>(registers, kControl);
    if ((control & kAhciEnabled) != 0) return;
    write_register<u32>(registers, kControl, control | kAhciEnabled);
  }
}

// 10.6.3: the firmware may still be using it.
void take_from_firmware(u8* registers) {
  constexpr usize kCapabilities2 = 0x24, kHandoff = 0x28;
  constexpr u32 kHasHandoff = 1, kFirmwareOwns = 1, kWeOwn = 2;
  if ((read_register<u32>(registers, kCapabilities2) & kHasHandoff) == 0) return;
  write_register<u32>(registers, kHandoff, read_register<u32>(registers, kHandoff) | kWeOwn);
  wait_for(2'000'000'000,
           [&] { return (read_register<u32>(registers, kHandoff) & kFirmwareOwns) == 0; });
}

}  // namespace

void add_ahci_disks(const pci::Function& function, DiskList& disks) {
  constexpr usize kCapabilities = 0x00, kPorts = 0x0c, kRegisterBytes = 0x180;
  constexpr u32 kInterrupts = 2, kMostPorts = 32;
  if (!function.is(0x01, 0x06, 0x01)) return;
  u8* const registers = pci::map_registers(function, 5, kRegisterBytes);
  if (registers == nullptr) return;
  const usize register_bytes = pci::read_bar(pci::config(), function.at, 5).bytes;
  enable_ahci(registers);
  take_from_firmware(registers);
  enable_ahci(registers);
  write_register<u32>(registers, kControl, read_register<u32>(registers, kControl) & ~kInterrupts);
  const u64 memory_end = read_register<u32>(registers, kCapabilities) >> 31 != 0 ? ~u64{0} : k4GiB;
  const u32 ports = read_register<u32>(registers, kPorts);
  for (u32 i = 0; i < kMostPorts && 0x180 + 0x80 * i <= register_bytes; ++i) {
    if ((ports >> i & 1) == 0) continue;
    auto* const memory = static_cast<u8*>(take_pages(2 * AhciPort::kMemoryBytes));
    if (memory == nullptr ||
        reinterpret_cast<u64>(memory) + 2 * AhciPort::kMemoryBytes > memory_end)
      return;
    std::memset(memory, 0, 2 * AhciPort::kMemoryBytes);
    auto* const port = new AhciPort(registers, i, memory, memory_end);
    const auto kind = port->start();
    u8* const buffer = memory + AhciPort::kMemoryBytes;
    if (kind == AhciPort::Kind::Disk) add_ata_disk(*port, buffer, disks);
    if (kind == AhciPort::Kind::Disc) add_atapi_disc(*port, buffer, disks);
    if (port->may_write()) continue;
    delete port;
    platform::free_pages(memory, 2 * AhciPort::kMemoryBytes);
  }
}

}  // namespace bf::x86
