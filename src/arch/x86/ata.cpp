// Disks and discs behind a PCI IDE controller (PIIX and those that are like it), by DMA. Numbers:
// PCI IDE Controller 1.0; Programming Interface for Bus Master IDE Controller 1.0; ACS-3.
#include <algorithm>
#include <cstring>

#include "arch/x86/ata_disk.h"
#include "arch/x86/memory.h"
#include "arch/x86/pci_machine.h"
#include "arch/x86/port_io.h"
#include "arch/x86/print.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr u64 kMicrosecond = 1000, kSecond = 1'000'000'000;
constexpr u64 kCommandTime = 30 * kSecond;  // a disk may have to spin up first
constexpr u64 kResetTime = 5 * kSecond;
constexpr u64 kPieceBytes = 64 << 10;  // of memory, which must not cross a multiple of that
constexpr u64 kMostBytes = u64{4} << 20;

constexpr u8 kError = 1, kDataRequest = 8, kFault = 1 << 5, kBusy = 1 << 7;
constexpr u8 kNoInterrupts = 2, kReset = 4;              // of the control register
constexpr u8 kStart = 1, kToMemory = 8;                  // of the bus master's command
constexpr u8 kActive = 1, kMasterError = 2, kEvent = 4;  // of its status

// A cable: two devices that share registers.
class Channel {
 public:
  Channel(u16 commands, u16 control, u16 master, u8* table)
      : commands_(commands), control_(control), master_(master), table_(table) {}

  // Whether there is anything that keeps what is written to it.
  bool is_there() const {
    out8(commands_ + kLowLba, 0x55);
    out8(commands_ + kMiddleLba, 0xaa);
    return in8(commands_ + kLowLba) == 0x55 && in8(commands_ + kMiddleLba) == 0xaa;
  }

  // The first device is selected: the one that the firmware used last may not be there, and has no
  // status that says when the reset is over. QEMU resets some time after it is told to, and until
  // then ignores what is selected.
  void reset() {
    select(0);
    out8(control_, kNoInterrupts | kReset);
    pause_for(10 * kMicrosecond);
    out8(control_, kNoInterrupts);
    pause_for(2000 * kMicrosecond);
    wait_for(kResetTime, [&] { return (in8(control_) & kBusy) == 0; });
  }

  enum class Kind : u8 { Nothing, Disk, Disc };
  // By the signature that is left by reset().
  Kind look_at(u8 device) const {
    select(static_cast<u8>(device << 4));
    if (!wait_for(kResetTime, [&] { return (in8(control_) & kBusy) == 0; })) return Kind::Nothing;
    const u8 middle = in8(commands_ + kMiddleLba), high = in8(commands_ + kHighLba);
    if (middle == 0x14 && high == 0xeb) return Kind::Disc;
    const bool nothing = middle != 0 || high != 0 || in8(control_) == 0;
    return nothing ? Kind::Nothing : Kind::Disk;
  }

  Result<void> run(u8 device, const AtaCommand& c, u64 memory, u64 bytes) {
    select(static_cast<u8>(c.device | device << 4));
    const bool by_master = bytes != 0 && !c.by_words;
    auto done = wait_until_idle();
    if (done) {
      if (by_master) prepare_master(c.writes, memory, bytes);
      write_command(c);
      done = c.packet != nullptr ? send_packet(c.packet) : Result<void>{};
      if (done && by_master) out8(master_, static_cast<u8>(kStart | (c.writes ? 0 : kToMemory)));
      if (done) done = c.by_words ? read_words(memory, bytes) : wait_until_done(by_master);
      if (by_master) out8(master_, 0);
    }
    if (!done) reset();
    return done;
  }

  void settle() {
    out8(master_, 0);
    reset();
  }

 private:
  static constexpr u16 kErrors = 1, kFeatures = 1, kCount = 2, kLowLba = 3, kMiddleLba = 4,
                       kHighLba = 5, kDevice = 6, kCommand = 7;

  void select(u8 device) const {
    out8(commands_ + kDevice, static_cast<u8>(0xa0 | device));
    pause_for(kMicrosecond);
  }

  void prepare_master(bool writes, u64 memory, u64 bytes) {
    u32 entries = 0;
    for (u64 at = memory; at < memory + bytes;) {
      const u64 end = std::min(memory + bytes, at / kPieceBytes * kPieceBytes + kPieceBytes);
      const u32 piece[2] = {static_cast<u32>(at), static_cast<u32>((end - at) & 0xffff) |
                                                      (end == memory + bytes ? u32{1} << 31 : 0)};
      std::memcpy(table_ + 8 * entries++, piece, sizeof piece);
      at = end;
    }
    asm volatile("" : : : "memory");  // the table is in memory before the controller looks
    out8(master_, writes ? 0 : kToMemory);
    out8(master_ + 2, static_cast<u8>((in8(master_ + 2) & 0x60) | kMasterError | kEvent));
    out32(master_ + 4, static_cast<u32>(reinterpret_cast<u64>(table_)));
  }

  // With 48 bits each register is written twice, the upper half first.
  void write_command(const AtaCommand& c) const {
    const auto put = [&](u16 at, u64 value) { out8(commands_ + at, static_cast<u8>(value)); };
    put(kFeatures, c.features);
    if (c.has_48_bits) {
      put(kCount, c.count >> 8);
      put(kLowLba, c.lba >> 24);
      put(kMiddleLba, c.lba >> 32);
      put(kHighLba, c.lba >> 40);
    }
    put(kCount, c.count);
    put(kLowLba, c.lba);
    put(kMiddleLba, c.lba >> 8);
    put(kHighLba, c.lba >> 16);
    put(kCommand, c.command);
    pause_for(kMicrosecond);
  }

  Result<void> failed(const char* why) const {
    return Error::format("%s: status %02x, error %02x", why, in8(control_),
                         in8(commands_ + kErrors));
  }
  Result<void> wait_until_idle() const {
    if (wait_for(kResetTime, [&] { return (in8(control_) & (kBusy | kDataRequest)) == 0; }))
      return {};
    return failed("it is busy");
  }
  Result<void> wait_for_request() const {
    if (!wait_for(kCommandTime, [&] { return (in8(control_) & kBusy) == 0; }))
      return failed("no answer");
    const u8 status = in8(control_);
    return (status & kDataRequest) != 0 && (status & (kError | kFault)) == 0 ? Result<void>{}
                                                                             : failed("refused");
  }

  Result<void> send_packet(const u8* packet) const {
    if (auto done = wait_for_request(); !done) return done;
    for (int i = 0; i < 12; i += 2)
      out16(commands_, static_cast<u16>(packet[i] | packet[i + 1] << 8));
    pause_for(kMicrosecond);
    return {};
  }

  Result<void> read_words(u64 memory, u64 bytes) const {
    if (auto done = wait_for_request(); !done) return done;
    for (u64 at = 0; at < bytes; at += 2) {
      const u16 word = in16(commands_);
      std::memcpy(reinterpret_cast<u8*>(memory) + at, &word, 2);
    }
    return {};
  }

  Result<void> wait_until_done(bool by_master) const {
    const bool ended = wait_for(kCommandTime, [&] {
      const u8 status = in8(control_), master = by_master ? in8(master_ + 2) : u8{0};
      if ((status & kBusy) != 0) return false;
      if ((status & (kError | kFault)) != 0 || (master & kMasterError) != 0) return true;
      return (status & kDataRequest) == 0 && (master & kActive) == 0;
    });
    asm volatile("" : : : "memory");
    if (!ended) return failed("no answer");
    if ((in8(commands_ + kCommand) & (kError | kFault)) != 0) return failed("refused");
    if (by_master && (in8(master_ + 2) & kMasterError) != 0)
      return failed("the controller could not move it");
    return {};
  }

  const u16 commands_;  // its eight registers
  const u16 control_;   // written: control; read: the status, without consequences
  const u16 master_;
  u8* const table_;
};

class Device final : public AtaPort {
 public:
  Device(Channel& channel, u8 number) : channel_(channel), number_(number) {
    kind = "IDE";
    name = "ide";
    most_bytes = kMostBytes;
    memory_end = u64{1} << 32;
  }
  Result<void> run(const AtaCommand& command, u64 memory, u64 bytes) override {
    return channel_.run(number_, command, memory, bytes);
  }
  void settle() override { channel_.settle(); }

 private:
  Channel& channel_;
  const u8 number_;
};

void add_channel(u16 commands, u16 control, u16 master, DiskList& disks) {
  // A page for the table of memory, one for what devices say about themselves.
  auto* const memory = static_cast<u8*>(take_pages(2 * platform::kPageBytes));
  if (memory == nullptr || reinterpret_cast<u64>(memory) >> 32 != 0) return;
  std::memset(memory, 0, 2 * platform::kPageBytes);
  static_assert((kMostBytes / kPieceBytes + 1) * 8 <= platform::kPageBytes);
  auto* const channel = new Channel(commands, control, master, memory);
  if (!channel->is_there()) return;
  channel->reset();
  // Both are looked at before one is used: commands change what reset() has left.
  const Channel::Kind kinds[] = {channel->look_at(0), channel->look_at(1)};
  for (u8 i = 0; i < 2; ++i) {
    if (kinds[i] == Channel::Kind::Nothing) continue;
    auto& device = *new Device(*channel, i);
    u8* const buffer = memory + platform::kPageBytes;
    kinds[i] == Channel::Kind::Disk ? add_ata_disk(device, buffer, disks)
                                    : add_atapi_disc(device, buffer, disks);
  }
}

}  // namespace

void add_ata_disks(const pci::Function& f, DiskList& disks) {
  constexpr u8 kStorage = 1, kIde = 1, kHasMaster = 0x80;
  if (f.base_class != kStorage || f.subclass != kIde || (f.interface & kHasMaster) == 0) return;
  const pci::Bar master = pci::read_bar(pci::config(), f.at, 4);
  if (!master.ports || master.address == 0) {
    print("[disk] an IDE controller without ports for DMA\n");
    return;
  }
  pci::enable(pci::config(), f.at, pci::kDecodePorts | pci::kBusMaster);
  // Where the old controllers were, or where the function says.
  constexpr u16 kOldCommands[] = {0x1f0, 0x170}, kOldControl[] = {0x3f6, 0x376};
  for (u32 i = 0; i < 2; ++i) {
    u16 commands = kOldCommands[i], control = kOldControl[i];
    if ((f.interface >> (2 * i) & 1) != 0) {
      commands = static_cast<u16>(pci::read_bar(pci::config(), f.at, 2 * i).address);
      control = static_cast<u16>(pci::read_bar(pci::config(), f.at, 2 * i + 1).address + 2);
      if (commands == 0 || control == 2) continue;
    }
    add_channel(commands, control, static_cast<u16>(master.address + 8 * i), disks);
  }
}

}  // namespace bf::x86
