// Disks and discs behind an AHCI controller (Serial ATA AHCI 1.3.1), polled.
#include <cstring>

#include "arch/x86/ahci_port.h"
#include "arch/x86/ata_identity.h"
#include "arch/x86/disks.h"
#include "arch/x86/memory.h"
#include "arch/x86/pci_machine.h"
#include "arch/x86/print.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr u64 k4GiB = u64{1} << 32;
constexpr int kTries = 3;
constexpr u32 kDiscSectorBytes = 2048;

char* disk_name() {
  static u32 count = 0;
  auto* name = new char[16];
  std::snprintf(name, 16, "ahci%u", count++);
  return name;
}

class AhciDisk final : public DmaDisk {
 public:
  AhciDisk(const AhciPort& port, const ata::Identity& id, u64 memory_end)
      : DmaDisk({.name = disk_name(),
                 .sector_bytes = id.sector_bytes,
                 .sector_count = id.sector_count,
                 .writable = true,
                 .buffer_alignment = 2},
                {.most_bytes = id.has_48_bits ? AhciPort::kMostBytes : u64{id.sector_bytes} * 128,
                 .memory_end = memory_end}),
        port_(port),
        has_48_bits_(id.has_48_bits) {
    std::snprintf(description_, sizeof description_, "AHCI, %s", id.model);
  }

 private:
  Result<void> transfer(Way way, u64 first, u64 memory, u32 sectors) override {
    const bool writes = way == Way::Write;
    AhciPort::Command command = {.lba = first, .count = sectors, .writes = writes};
    command.command = has_48_bits_ ? (writes ? 0x35 : 0x25) : (writes ? 0xca : 0xc8);
    if (!has_48_bits_) {
      command.device = static_cast<u8>(0x40 | first >> 24);
      command.lba = first & 0xff'ffff;
    }
    return run(command, memory, u64{sectors} * sector_bytes());
  }

  Result<void> flush_cache() override {
    AhciPort::Command command;
    command.command = has_48_bits_ ? 0xea : 0xe7;
    return run(command, 0, 0);
  }

  Result<void> run(const AhciPort::Command& command, u64 memory, u64 bytes) {
    for (int attempt = 1;; ++attempt) {
      auto done = port_.run(command, memory, bytes);
      if (done) return done;
      print("[disk] %s: command %02x at sector %lu failed (%s)%s\n", name(), command.command,
            command.lba, done.error().message(), attempt < kTries ? ": once more" : "");
      if (attempt == kTries)
        return Error::format("%s: %s at sector %lu failed: %s", name(),
                             bytes == 0       ? "a flush"
                             : command.writes ? "a write"
                                              : "a read",
                             command.lba, done.error().message());
    }
  }

  AhciPort port_;
  const bool has_48_bits_;
};

// A drive for CDs and DVDs takes SCSI's commands (MMC-6) as packets.
class AhciDisc final : public DmaDisk {
 public:
  AhciDisc(const AhciPort& port, u64 sectors, const char* model, u64 memory_end)
      : DmaDisk({.name = disk_name(),
                 .sector_bytes = kDiscSectorBytes,
                 .sector_count = sectors,
                 .buffer_alignment = 2},
                {.memory_end = memory_end}),
        port_(port) {
    std::snprintf(description_, sizeof description_, "AHCI disc, %s", model);
  }

  static Result<void> packet(AhciPort& port, const u8 (&cdb)[16], u64 memory, u32 bytes) {
    // The byte count is for devices that answer without DMA after all: as much as there is.
    const AhciPort::Command command = {
        .command = 0xa0, .lba = 0xfffe00, .features = 1, .device = 0, .packet = cdb};
    return port.run(command, memory, bytes);
  }

 private:
  Result<void> transfer(Way, u64 first, u64 memory, u32 sectors) override {
    const auto b = [](u64 value, int shift) { return static_cast<u8>(value >> shift); };
    const u8 read12[16] = {0xa8,           0,
                           b(first, 24),   b(first, 16),
                           b(first, 8),    b(first, 0),
                           b(sectors, 24), b(sectors, 16),
                           b(sectors, 8),  b(sectors, 0)};
    for (int attempt = 1;; ++attempt) {
      auto done = packet(port_, read12, memory, sectors * kDiscSectorBytes);
      if (done || attempt == kTries) return done;
    }
  }
  Result<void> flush_cache() override { return {}; }

  AhciPort port_;
};

void add_disk(AhciPort& port, u8* buffer, u64 memory_end, DiskList& disks) {
  constexpr u64 kMostSectors = u64{1} << 48;
  if (auto done = port.run({.command = 0xec, .device = 0}, reinterpret_cast<u64>(buffer), 512);
      !done) {
    print("[disk] an AHCI disk does not say what it is (%s)\n", done.error().message());
    return;
  }
  const auto id = ata::read_identity(std::span<const u8, 512>{buffer, 512});
  const bool usual = id.sector_bytes >= 512 && id.sector_bytes <= 4096 &&
                     (id.sector_bytes & (id.sector_bytes - 1)) == 0;
  if (!usual || !id.has_dma || id.sector_count == 0 || id.sector_count > kMostSectors) {
    print("[disk] %s cannot be used: %lu sectors of %u bytes\n", id.model, id.sector_count,
          id.sector_bytes);
    return;
  }
  disks.push_back(new AhciDisk(port, id, memory_end));
}

void add_disc(AhciPort& port, u8* buffer, u64 memory_end, DiskList& disks) {
  const u64 memory = reinterpret_cast<u64>(buffer);
  char model[41] = "?";
  if (port.run({.command = 0xa1, .device = 0}, memory, 512))
    std::memcpy(model, ata::read_identity(std::span<const u8, 512>{buffer, 512}).model,
                sizeof model);
  // The first commands may fail because the disc is another one, or still has to turn.
  for (int attempt = 0; attempt < 2 * kTries; ++attempt) {
    if (!AhciDisc::packet(port, {0x25}, memory, 8)) continue;
    const auto big_endian = [&](usize at) {
      return u32{buffer[at]} << 24 | u32{buffer[at + 1]} << 16 | u32{buffer[at + 2]} << 8 |
             buffer[at + 3];
    };
    if (big_endian(4) == kDiscSectorBytes && big_endian(0) != 0)
      disks.push_back(new AhciDisc(port, u64{big_endian(0)} + 1, model, memory_end));
    return;
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
  constexpr usize kCapabilities = 0x00, kControl = 0x04, kPorts = 0x0c, kRegisterBytes = 0x180;
  constexpr u32 kAhciEnabled = u32{1} << 31, kInterrupts = 2, kMostPorts = 32;
  if (!function.is(0x01, 0x06, 0x01)) return;
  u8* const registers = pci::map_registers(function, 5, kRegisterBytes);
  if (registers == nullptr) return;
  const usize register_bytes = pci::read_bar(pci::config(), function.at, 5).bytes;
  take_from_firmware(registers);
  const u32 control = read_register<u32>(registers, kControl) | kAhciEnabled;
  write_register<u32>(registers, kControl, control & ~kInterrupts);
  const u64 memory_end = read_register<u32>(registers, kCapabilities) >> 31 != 0 ? ~u64{0} : k4GiB;
  const u32 ports = read_register<u32>(registers, kPorts);
  for (u32 i = 0; i < kMostPorts && 0x180 + 0x80 * i <= register_bytes; ++i) {
    if ((ports >> i & 1) == 0) continue;
    auto* const memory = static_cast<u8*>(take_pages(2 * AhciPort::kMemoryBytes));
    if (memory == nullptr ||
        reinterpret_cast<u64>(memory) + 2 * AhciPort::kMemoryBytes > memory_end)
      return;
    std::memset(memory, 0, 2 * AhciPort::kMemoryBytes);
    AhciPort port(registers, i, memory);
    const usize before = disks.size();
    const auto kind = port.start();
    u8* const buffer = memory + AhciPort::kMemoryBytes;
    if (kind == AhciPort::Kind::Disk) add_disk(port, buffer, memory_end, disks);
    if (kind == AhciPort::Kind::Disc) add_disc(port, buffer, memory_end, disks);
    if (disks.size() == before && kind == AhciPort::Kind::Nothing)
      platform::free_pages(memory, 2 * AhciPort::kMemoryBytes);
  }
}

}  // namespace bf::x86
