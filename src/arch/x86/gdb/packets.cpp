#include "arch/x86/gdb/packets.h"

namespace bf::x86::gdb {

PacketReader::Event PacketReader::between(u8 byte) {
  constexpr u8 kInterrupt = 3;
  switch (byte) {
    case '$':
      state_ = State::Body;
      size_ = 0;
      sum_ = 0;
      too_long_ = false;
      return Event::None;
    case '+': return Event::Ack;
    case '-': return Event::Nack;
    case kInterrupt: return Event::Interrupt;
    default: return Event::None;  // what firmware has left on the line
  }
}

void PacketReader::add(u8 byte) {
  if (size_ == kMostPacketBytes) too_long_ = true;
  else bytes_[size_++] = static_cast<char>(byte);
}

PacketReader::Event PacketReader::end(u8 second) {
  state_ = State::Between;
  const int high = digit_value(static_cast<char>(first_digit_));
  const int low = digit_value(static_cast<char>(second));
  if (high < 0 || low < 0 || (high << 4 | low) != sum_) return Event::Damaged;
  return too_long_ ? Event::TooLong : Event::Packet;
}

PacketReader::Event PacketReader::feed(u8 byte) {
  switch (state_) {
    case State::Between: return between(byte);
    case State::FirstDigit:
      first_digit_ = byte;
      state_ = State::SecondDigit;
      return Event::None;
    case State::SecondDigit: return end(byte);
    case State::Escaped:
      sum_ = static_cast<u8>(sum_ + byte);
      add(byte ^ 0x20);
      state_ = State::Body;
      return Event::None;
    case State::Body: break;
  }
  if (byte == '#') {
    state_ = State::FirstDigit;
    return Event::None;
  }
  if (byte == '$') return between(byte);  // the end of the last one was lost
  sum_ = static_cast<u8>(sum_ + byte);
  if (byte == '}') state_ = State::Escaped;
  else add(byte);
  return Event::None;
}

}  // namespace bf::x86::gdb
