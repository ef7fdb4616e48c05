#include "arch/x86/serial.h"

#include "arch/x86/clock.h"
#include "arch/x86/port_io.h"
#include "arch/x86/registers.h"

namespace bf::x86 {

namespace {

// Registers and bits: National Semiconductor PC16550D data sheet, 8.0.
constexpr u16 kData = 0, kInterruptEnable = 1, kFifoControl = 2, kLineControl = 3;
constexpr u16 kModemControl = 4, kLineStatus = 5;
constexpr u8 kDivisorAccess = 0x80, kEightBits = 0x03;
constexpr u8 kEnableAndClearFifos = 0xc7;
constexpr u8 kReadyToTalk = 0x0b;  // DTR, RTS, and OUT2 as PCs want it
constexpr u8 kLoopback = 0x1e;
constexpr u8 kDataReady = 0x01, kQueueEmpty = 0x20, kAllSent = 0x40;
constexpr u8 kNothingThere = 0xff;  // what an empty bus reads as
constexpr u32 kQueueBytes = 16;
constexpr int kProbeTries = 20'000;  // about 1 us each on a PC
constexpr u8 kDivisor115200 = 1;

// Real hardware without flow control is never busy longer than its queue lasts (1.4 ms); under a
// hypervisor the far end may be a pipe that somebody has stopped reading for a while.
constexpr u64 kStuckAfterNs = 2'000'000'000;
constexpr u64 kStuckAfterNsVirtual = 600'000'000'000;

// Where these ports have been since the PC/AT; the firmware keeps to it.
constinit SerialPort ports[kSerialPortCount] = {SerialPort(0x3f8), SerialPort(0x2f8),
                                                SerialPort(0x3e8), SerialPort(0x2e8)};

}  // namespace

SerialPort& serial_port(u32 number) {
  BF_ASSERT(number < kSerialPortCount);
  return ports[number];
}

bool SerialPort::start() {
  if (present_) return true;
  out8(base_ + kInterruptEnable, 0);
  out8(base_ + kLineControl, kDivisorAccess);
  out8(base_ + kData, kDivisor115200);
  out8(base_ + kInterruptEnable, 0);
  out8(base_ + kLineControl, kEightBits);
  out8(base_ + kFifoControl, kEnableAndClearFifos);
  out8(base_ + kModemControl, kLoopback);
  constexpr u8 kProbe = 0xae;
  out8(base_ + kData, kProbe);
  // The byte needs its time on the wire (87 us), also in loopback.
  for (int i = 0; i < kProbeTries && !present_; ++i) {
    const u8 status = in8(base_ + kLineStatus);
    if (status == kNothingThere) return false;
    present_ = (status & kDataReady) != 0 && in8(base_ + kData) == kProbe;
  }
  out8(base_ + kModemControl, kReadyToTalk);
  return present_;
}

bool SerialPort::wait_for(u8 bits) {
  if ((in8(base_ + kLineStatus) & bits) == bits) return true;
  const u64 limit = under_hypervisor() ? kStuckAfterNsVirtual : kStuckAfterNs;
  const Deadline deadline(limit);
  while ((in8(base_ + kLineStatus) & bits) != bits) {
    if (!deadline.passed()) continue;
    present_ = false;
    return false;
  }
  return true;
}

void SerialPort::put(u8 byte) {
  if (room_ == 0) {
    if (!wait_for(kQueueEmpty)) return;
    room_ = kQueueBytes;
  }
  out8(base_ + kData, byte);
  --room_;
}

void SerialPort::write(std::string_view bytes, bool carriage_returns) {
  for (const char c : bytes) {
    if (!present_) return;
    if (c == '\n' && carriage_returns) put('\r');
    put(static_cast<u8>(c));
  }
}

void SerialPort::flush() {
  if (present_) wait_for(kQueueEmpty | kAllSent);
  room_ = 0;
}

void SerialPort::interrupt_on_input() {
  constexpr u8 kOnInput = 0x01;
  if (present_) out8(base_ + kInterruptEnable, kOnInput);
}

u32 serial_line(const SerialPort& port) {
  return (&port - ports) % 2 == 0 ? 4 : 3;
}

bool SerialPort::can_read() const {
  return present_ && (in8(base_ + kLineStatus) & kDataReady) != 0;
}

u8 SerialPort::read() const {
  return in8(base_ + kData);
}

}  // namespace bf::x86
