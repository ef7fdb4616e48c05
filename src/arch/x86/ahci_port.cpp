#include "arch/x86/ahci_port.h"

#include <algorithm>
#include <cstring>

#include "arch/x86/dma_disk.h"

namespace bf::x86 {

namespace {

// 3.3: the registers of a port.
constexpr usize kCommandList = 0x00, kReceived = 0x08, kInterrupts = 0x10,
                kInterruptsEnabled = 0x14, kCommand = 0x18, kTaskFile = 0x20, kSignature = 0x24,
                kStatus = 0x28, kControl = 0x2c, kErrors = 0x30, kIssue = 0x38;
constexpr u32 kStart = 1, kSpinUp = 2, kPowerOn = 4, kReceive = 1 << 4, kReceiving = 1 << 14,
              kRunning = 1 << 15;
constexpr u32 kError = 1, kDataRequest = 8, kFault = 1 << 5, kBusy = 1 << 7;
constexpr u32 kFatal =
    1u << 30 | 1 << 29 | 1 << 28 | 1 << 27;  // task file, bus, bus data, interface
constexpr u32 kConnected = 3;
constexpr u32 kDiskSignature = 0x00000101, kDiscSignature = 0xeb140101;

// 4.2: what lies where in the port's memory.
constexpr usize kListAt = 0, kReceivedAt = 0x400, kTableAt = 0x500, kPacketInTable = 0x40,
                kPiecesInTable = 0x80;
constexpr u64 kPieceBytes = u64{4} << 20;
static_assert(AhciPort::kMostBytes / kPieceBytes <= 8);

constexpr u64 kMillisecond = 1'000'000;
constexpr u64 kEngineTime = 500 * kMillisecond;      // 10.1.2
constexpr u64 kCommandTime = 30'000 * kMillisecond;  // a disk may have to spin up first

void put32(u8* at, u64 value) {
  const u32 word = static_cast<u32>(value);
  std::memcpy(at, &word, 4);
}
void put64(u8* at, u64 value) {
  std::memcpy(at, &value, 8);
}

}  // namespace

bool AhciPort::stop() {
  u32 command = read_register<u32>(registers_, kCommand);
  write_register<u32>(registers_, kCommand, command &= ~kStart);
  const auto ended = [&](u32 bit) {
    return wait_for(kEngineTime,
                    [&] { return (read_register<u32>(registers_, kCommand) & bit) == 0; });
  };
  if (!ended(kRunning)) return false;
  write_register<u32>(registers_, kCommand, command & ~kReceive);
  return ended(kReceiving);
}

// With what there is now in the lists' registers.
bool AhciPort::go() {
  write_register<u32>(registers_, kErrors, ~u32{0});
  write_register<u32>(registers_, kInterrupts, ~u32{0});
  write_register<u32>(registers_, kCommand, read_register<u32>(registers_, kCommand) | kReceive);
  if (!wait_for(10'000 * kMillisecond, [&] {
        return (read_register<u32>(registers_, kTaskFile) & (kBusy | kDataRequest)) == 0;
      }))
    return false;
  write_register<u32>(registers_, kCommand, read_register<u32>(registers_, kCommand) | kStart);
  return true;
}

// 10.4.2.
void AhciPort::reset_link() {
  const u32 control = read_register<u32>(registers_, kControl) & ~u32{15};
  write_register<u32>(registers_, kControl, control | 1);
  pause_for(2 * kMillisecond);
  write_register<u32>(registers_, kControl, control);
  wait_for(100 * kMillisecond,
           [&] { return (read_register<u32>(registers_, kStatus) & 15) == kConnected; });
}

void AhciPort::recover() {
  const bool stopped = stop();
  const u32 task = read_register<u32>(registers_, kTaskFile);
  if (!stopped || (task & (kBusy | kDataRequest)) != 0) reset_link();
  ready_ = go();
}

AhciPort::Kind AhciPort::start() {
  const Kind kind = stop() ? connect() : Kind::Nothing;
  may_write_ = kind != Kind::Nothing || !stop();
  return kind;
}

AhciPort::Kind AhciPort::connect() {
  write_register<u32>(registers_, kInterruptsEnabled, 0);
  const u64 memory = reinterpret_cast<u64>(memory_);
  write_register<u32>(registers_, kCommandList, static_cast<u32>(memory + kListAt));
  write_register<u32>(registers_, kCommandList + 4, static_cast<u32>(memory >> 32));
  write_register<u32>(registers_, kReceived, static_cast<u32>(memory + kReceivedAt));
  write_register<u32>(registers_, kReceived + 4, static_cast<u32>(memory >> 32));

  const u32 command = read_register<u32>(registers_, kCommand);
  const auto link = [&] { return read_register<u32>(registers_, kStatus) & 15; };
  if ((command & kSpinUp) == 0) {
    write_register<u32>(registers_, kCommand, command | kSpinUp | kPowerOn);
    wait_for(50 * kMillisecond, [&] { return link() != 0; });
  }
  if (link() == 0) return Kind::Nothing;
  if (link() != kConnected) reset_link();
  ready_ = link() == kConnected && go();
  if (!ready_) return Kind::Nothing;
  const u32 signature = read_register<u32>(registers_, kSignature);
  return signature == kDiskSignature   ? Kind::Disk
         : signature == kDiscSignature ? Kind::Disc
                                       : Kind::Nothing;
}

// 4.2.2 and 4.2.3: slot 0 of the command list, and its table.
void AhciPort::build(const AtaCommand& c, u64 memory, u64 bytes) {
  u8* const table = memory_ + kTableAt;
  const u8 fis[20] = {0x27,
                      0x80,
                      c.command,
                      c.features,  // a command from the host
                      static_cast<u8>(c.lba),
                      static_cast<u8>(c.lba >> 8),
                      static_cast<u8>(c.lba >> 16),
                      c.device,
                      static_cast<u8>(c.lba >> 24),
                      static_cast<u8>(c.lba >> 32),
                      static_cast<u8>(c.lba >> 40),
                      0,
                      static_cast<u8>(c.count),
                      static_cast<u8>(c.count >> 8),
                      0,
                      0,
                      0,
                      0,
                      0,
                      0};
  std::memcpy(table, fis, sizeof fis);
  if (c.packet != nullptr) std::memcpy(table + kPacketInTable, c.packet, 16);
  u32 pieces = 0;
  for (u64 at = 0; at < bytes; at += kPieceBytes, ++pieces) {
    u8* const piece = table + kPiecesInTable + 16 * pieces;
    put64(piece, memory + at);
    put32(piece + 8, 0);
    put32(piece + 12, std::min(bytes - at, kPieceBytes) - 1);
  }
  u8* const header = memory_ + kListAt;
  put32(header, sizeof fis / 4 | (c.packet != nullptr ? 1 << 5 : 0) | (c.writes ? 1 << 6 : 0) |
                    pieces << 16);
  put32(header + 4, 0);  // bytes that were moved
  put64(header + 8, reinterpret_cast<u64>(table));
}

Result<void> AhciPort::wait() {
  u32 events = 0, task = 0;
  const bool ended = wait_for(kCommandTime, [&] {
    events = read_register<u32>(registers_, kInterrupts);
    return (events & kFatal) != 0 || (read_register<u32>(registers_, kIssue) & 1) == 0;
  });
  events = read_register<u32>(registers_, kInterrupts);
  task = read_register<u32>(registers_, kTaskFile);
  if (!ended) return Error::format("no answer for %lu s", kCommandTime / (1000 * kMillisecond));
  if ((events & kFatal) != 0 || (task & (kError | kFault)) != 0)
    return Error::format("status %02x, error %02x, events %08x, link %08x", task & 0xff,
                         task >> 8 & 0xff, events, read_register<u32>(registers_, kErrors));
  if ((task & (kBusy | kDataRequest)) != 0) return Error::format("status %02x at its end", task & 0xff);
  return {};
}

Result<void> AhciPort::run(const AtaCommand& command, u64 memory, u64 bytes) {
  BF_ASSERT(bytes <= kMostBytes && bytes % 2 == 0);
  // What is issued to a port that does not run is dropped, as if it had been done (3.3.14).
  if (!ready_) recover();
  if (!ready_) return Error::format("it does not get ready");
  build(command, memory, bytes);
  write_register<u32>(registers_, kInterrupts, ~u32{0});
  asm volatile("" : : : "memory");  // the lists are in memory before the device is told
  write_register<u32>(registers_, kIssue, 1);
  auto done = wait();
  asm volatile("" : : : "memory");
  u32 moved;
  std::memcpy(&moved, memory_ + kListAt + 4, 4);
  if (done && moved != bytes && !command.writes && command.packet == nullptr)
    done = Error::format("%u of %lu bytes came", moved, bytes);
  if (!done) recover();
  return done;
}

}  // namespace bf::x86
