#include "arch/x86/ata_disk.h"

#include <algorithm>
#include <cstring>

#include "arch/x86/ata_identity.h"
#include "arch/x86/print.h"

namespace bf::x86 {

namespace {

constexpr int kTries = 3;
constexpr u32 kDiscSectorBytes = 2048;
constexpr u64 kMostSectorsOld = 128;  // of 256 that eight bits can say

// "ahci0", "ahci1": in the order in which they are found.
char* disk_name(const AtaPort& port, const DiskList& disks) {
  constexpr usize kBytes = 16;
  u32 count = 0;
  for (const DmaDisk* disk : disks)
    if (std::strncmp(disk->name(), port.name, std::strlen(port.name)) == 0) ++count;
  auto* name = new char[kBytes];
  std::snprintf(name, kBytes, "%s%u", port.name, count);
  return name;
}

class AtaDisk final : public DmaDisk {
 public:
  AtaDisk(AtaPort& port, const ata::Identity& id, const char* name)
      : DmaDisk({.name = name,
                 .sector_bytes = id.sector_bytes,
                 .sector_count = id.sector_count,
                 .writable = true,
                 .buffer_alignment = 2},
                {.most_bytes = id.has_48_bits ? port.most_bytes : kMostSectorsOld * id.sector_bytes,
                 .memory_end = port.memory_end}),
        port_(port),
        has_48_bits_(id.has_48_bits) {
    std::snprintf(description_, sizeof description_, "%s, %s", port.kind, id.model);
  }
  void settle() override { port_.settle(); }

 private:
  Result<void> transfer(Way way, u64 first, u64 memory, u32 sectors) override {
    const bool writes = way == Way::Write;
    AtaCommand c = {.lba = first,
                    .count = sectors,
                    .device = 0x40,
                    .writes = writes,
                    .has_48_bits = has_48_bits_};
    c.command = has_48_bits_ ? (writes ? 0x35 : 0x25) : (writes ? 0xca : 0xc8);
    if (!has_48_bits_) {
      c.device = static_cast<u8>(0x40 | first >> 24);
      c.lba = first & 0xff'ffff;
    }
    return run(c, memory, u64{sectors} * sector_bytes());
  }

  Result<void> flush_cache() override {
    AtaCommand command = {.device = 0x40};
    command.command = has_48_bits_ ? 0xea : 0xe7;
    return run(command, 0, 0);
  }

  Result<void> run(const AtaCommand& c, u64 memory, u64 bytes) {
    for (int attempt = 1;; ++attempt) {
      auto done = port_.run(c, memory, bytes);
      if (done) return done;
      print("[disk] %s: command %02x at sector %lu failed (%s)%s\n", name(), c.command, c.lba,
            done.error().message(), attempt < kTries ? ": once more" : "");
      if (attempt < kTries) continue;
      const char* const what = bytes == 0 ? "a flush" : c.writes ? "a write" : "a read";
      return Error::format("%s: %s at sector %lu failed: %s", name(), what, c.lba,
                           done.error().message());
    }
  }

  AtaPort& port_;
  const bool has_48_bits_;
};

// Packets are SCSI's commands. The byte count is for devices that want to be told how much they may
// send at a time.
Result<void> run_packet(AtaPort& port, const u8 (&cdb)[16], u64 memory, u32 bytes) {
  constexpr u64 kByteCount = 0xfffe00;
  return port.run({.command = 0xa0, .lba = kByteCount, .features = 1, .packet = cdb}, memory,
                  bytes);
}

class AtapiDisc final : public DmaDisk {
 public:
  AtapiDisc(AtaPort& port, u64 sectors, const char* model, const char* name)
      : DmaDisk(
            {.name = name,
             .sector_bytes = kDiscSectorBytes,
             .sector_count = sectors,
             .buffer_alignment = 2},
            {.most_bytes = std::min(port.most_bytes, u64{4} << 20), .memory_end = port.memory_end}),
        port_(port) {
    std::snprintf(description_, sizeof description_, "%s disc, %s", port.kind, model);
  }
  void settle() override { port_.settle(); }

 private:
  Result<void> transfer(Way, u64 first, u64 memory, u32 sectors) override {
    const auto b = [](u64 value, int shift) { return static_cast<u8>(value >> shift); };
    const u8 read12[16] = {0xa8,           0,
                           b(first, 24),   b(first, 16),
                           b(first, 8),    b(first, 0),
                           b(sectors, 24), b(sectors, 16),
                           b(sectors, 8),  b(sectors, 0)};
    for (int attempt = 1;; ++attempt) {
      auto done = run_packet(port_, read12, memory, sectors * kDiscSectorBytes);
      if (done) return done;
      if (attempt == kTries)
        return Error::format("%s: a read at sector %lu failed: %s", name(), first,
                             done.error().message());
    }
  }
  Result<void> flush_cache() override { return {}; }

  AtaPort& port_;
};

// Why the last packet failed: the drive's sense key and code (SPC-4, 4.5), or nothing that it would say.
struct Sense {
  u8 key = 0, code = 0;
  // It says so for seconds, until the disc turns; and once, when it is another disc.
  bool may_pass() const { return key == 6 || (key == 2 && code == 4); }
};

Sense ask_why(AtaPort& port, u8* buffer) {
  constexpr u32 kBytes = 18;
  constexpr u8 kRequestSense[16] = {0x03, 0, 0, 0, kBytes};
  if (!run_packet(port, kRequestSense, reinterpret_cast<u64>(buffer), kBytes)) return {};
  return {static_cast<u8>(buffer[2] & 15), buffer[12]};
}

// A drive that has just got its disc says for a while that it is not ready.
bool read_capacity(AtaPort& port, u8* buffer) {
  constexpr u8 kReadCapacity[16] = {0x25};
  constexpr u64 kPause = 250'000'000;
  constexpr u32 kMostPauses = 80;
  Sense sense;
  for (u32 i = 0, others = 0; i < kMostPauses && others < kTries; ++i) {
    if (run_packet(port, kReadCapacity, reinterpret_cast<u64>(buffer), 8)) return true;
    sense = ask_why(port, buffer);
    if (sense.key == 2 && sense.code == 0x3a) return false;  // there is no disc
    if (!sense.may_pass()) ++others;
    else if (sense.key == 2) pause_for(kPause);
  }
  print("[disk] the %s drive has a disc that cannot be read (sense %02x, %02x)\n", port.kind, sense.key, sense.code);
  return false;
}

ata::Identity identity_in(const u8* buffer) {
  return ata::read_identity(std::span<const u8, 512>{buffer, 512});
}

}  // namespace

void add_ata_disk(AtaPort& port, u8* buffer, DiskList& disks) {
  constexpr u64 kMostSectors = u64{1} << 48;
  const auto done =
      port.run({.command = 0xec, .by_words = true}, reinterpret_cast<u64>(buffer), 512);
  if (!done) {
    print("[disk] an %s disk does not say what it is (%s)\n", port.kind, done.error().message());
    return;
  }
  const auto id = identity_in(buffer);
  const bool usual = id.sector_bytes >= 512 && id.sector_bytes <= 4096 &&
                     (id.sector_bytes & (id.sector_bytes - 1)) == 0;
  if (!usual || !id.has_dma || id.sector_count == 0 || id.sector_count > kMostSectors) {
    print("[disk] %s cannot be used: %lu sectors of %u bytes\n", id.model, id.sector_count,
          id.sector_bytes);
    return;
  }
  disks.push_back(new AtaDisk(port, id, disk_name(port, disks)));
}

void add_atapi_disc(AtaPort& port, u8* buffer, DiskList& disks) {
  const u64 memory = reinterpret_cast<u64>(buffer);
  char model[41] = "?";
  if (port.run({.command = 0xa1, .by_words = true}, memory, 512))
    std::memcpy(model, identity_in(buffer).model, sizeof model);
  if (!read_capacity(port, buffer)) return;
  const auto big_endian = [&](usize at) {
    return u32{buffer[at]} << 24 | u32{buffer[at + 1]} << 16 | u32{buffer[at + 2]} << 8 | buffer[at + 3];
  };
  if (big_endian(4) == kDiscSectorBytes && big_endian(0) != 0)
    disks.push_back(new AtapiDisc(port, u64{big_endian(0)} + 1, model, disk_name(port, disks)));
}

}  // namespace bf::x86
