#include "arch/x86/serial.h"

#include "arch/x86/clock.h"
#include "arch/x86/interrupts.h"
#include "arch/x86/port_io.h"
#include "arch/x86/registers.h"

namespace bf::x86 {

namespace {

// Registers and bits: National Semiconductor PC16550D data sheet, 8.0.
constexpr u16 kData = 0, kInterruptEnable = 1, kFifoControl = 2, kLineControl = 3;
constexpr u16 kModemControl = 4, kLineStatus = 5, kModemStatus = 6;
constexpr u8 kDivisorAccess = 0x80, kEightBits = 0x03;
constexpr u8 kEnableAndClearFifos = 0x87;  // input interrupts with 8 bytes of 16, or when no more comes
constexpr u8 kReadyToTalk = 0x0b;  // DTR, RTS, and OUT2 as PCs want it
constexpr u8 kRequestToSend = 0x02;
constexpr u8 kClearToSend = 0x10;  // of the modem status
constexpr u8 kXon = 0x11, kXoff = 0x13;
constexpr u8 kLoopback = 0x1e;
constexpr u8 kDataReady = 0x01, kQueueEmpty = 0x20, kAllSent = 0x40;
constexpr u8 kNothingThere = 0xff;  // what an empty bus reads as
constexpr u32 kQueueBytes = 15;  // of 16: one place is for XON and XOFF
constexpr int kProbeTries = 20'000;  // about 1 us each on a PC
constexpr u8 kDivisor115200 = 1;

// Real hardware without flow control is never busy longer than its queue lasts (1.4 ms); under a
// hypervisor the far end may be a pipe that somebody has stopped reading for a while.
constexpr u64 kStuckAfterNs = 2'000'000'000;
constexpr u64 kStuckAfterNsVirtual = 600'000'000'000;
// Somebody who has typed Ctrl-S may read for a while; a line may have been pulled.
constexpr u64 kHeldAfterNsCodes = 600'000'000'000, kHeldAfterNsLines = 30'000'000'000;

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
  if ((in8(base_ + kModemStatus) & kClearToSend) != 0) flow_ = SerialFlow::Lines;
  return present_;
}

// By the other end, which wants nothing just now.
bool SerialPort::is_held() {
  if (flow_ == SerialFlow::Codes) pump();  // it may bring an XOFF, or its end
  return flow_ == SerialFlow::Lines ? (in8(base_ + kModemStatus) & kClearToSend) == 0 : held_;
}

// What is held for too long is dropped, until the other end wants something again.
bool SerialPort::wait_until_wanted() {
  if (!is_held()) {
    drops_ = false;
    return true;
  }
  if (drops_) return false;
  const Deadline deadline(flow_ == SerialFlow::Codes ? kHeldAfterNsCodes : kHeldAfterNsLines);
  while (!drops_ && is_held()) drops_ = deadline.passed();
  return !drops_;
}

bool SerialPort::wait_for(u8 bits) {
  if (!wait_until_wanted()) return false;
  const Deadline deadline(under_hypervisor() ? kStuckAfterNsVirtual : kStuckAfterNs);
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

// Tells the other end to go on or to wait. In the queue of what is sent there is always a place for one
// byte.
void SerialPort::let_send(bool on) {
  if (flow_ == SerialFlow::Lines)
    out8(base_ + kModemControl, on ? kReadyToTalk : kReadyToTalk & ~kRequestToSend);
  if (flow_ == SerialFlow::Codes) out8(base_ + kData, on ? kXon : kXoff);
}

// The port's interrupt comes here, too, and other cores that send: not in the middle of it.
void SerialPort::pump() {
  const u64 flags = disable_interrupts();
  if (queue_.test_and_set(std::memory_order_acquire)) return restore_interrupts(flags);
  while (present_ && input_.has_room() && (in8(base_ + kLineStatus) & kDataReady) != 0) {
    const u8 byte = in8(base_ + kData);
    const bool is_code = flow_ == SerialFlow::Codes && (byte == kXon || byte == kXoff);
    if (!is_code) {
      input_.put(byte);
      continue;
    }
    held_ = byte == kXoff;
    room_ = 0;  // what is sent next looks at it
  }
  if (input_.must_stop()) let_send(false);
  queue_.clear(std::memory_order_release);
  restore_interrupts(flags);
}

bool SerialPort::can_read() {
  pump();
  return !input_.empty();
}

u8 SerialPort::read() {
  const u64 flags = disable_interrupts();
  while (queue_.test_and_set(std::memory_order_acquire)) __builtin_ia32_pause();
  const u8 byte = input_.take();
  if (input_.may_go_on()) let_send(true);
  queue_.clear(std::memory_order_release);
  restore_interrupts(flags);
  return byte;
}

}  // namespace bf::x86
