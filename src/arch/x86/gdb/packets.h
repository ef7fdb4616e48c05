// Packets of GDB's remote protocol ("Packet Acknowledgment" and "Overview" in the appendix of its
// manual): `$`, the bytes, `#`, and their sum as two hexadecimal digits.
//
//   PacketReader reader;
//   if (reader.feed(byte) == PacketReader::Event::Packet) handle(reader.packet());
//
//   write_packet(reply, [&](char c) { port.put(c); });
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86::gdb {

inline constexpr usize kMostPacketBytes = 4096;  // what is between $ and #

class PacketReader {
 public:
  enum class Event : u8 {
    None,       // more is to come
    Packet,     // packet() is whole and right
    Damaged,    // it has to be sent again
    TooLong,    // it is not worth that
    Ack,        // the other side has got ours
    Nack,       // it has not
    Interrupt,  // Ctrl-C
  };
  Event feed(u8 byte);
  // Good until the next byte.
  std::string_view packet() const { return {bytes_, size_}; }

 private:
  enum class State : u8 { Between, Body, Escaped, FirstDigit, SecondDigit };
  Event between(u8 byte);
  void add(u8 byte);
  Event end(u8 second);

  State state_ = State::Between;
  char bytes_[kMostPacketBytes];
  usize size_ = 0;
  bool too_long_ = false;
  u8 sum_ = 0;
  u8 first_digit_ = 0;
};

// The value of a hexadecimal digit; -1 if it is none.
constexpr int digit_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}
inline constexpr char kDigits[] = "0123456789abcdef";

// Bytes that mean something in a packet are escaped.
template <class Put>
void write_packet(std::string_view bytes, Put&& put) {
  u8 sum = 0;
  const auto counted = [&](char c) {
    sum = static_cast<u8>(sum + static_cast<u8>(c));
    put(c);
  };
  put('$');
  for (const char c : bytes) {
    const bool special = c == '$' || c == '#' || c == '}' || c == '*';
    if (special) counted('}');
    counted(special ? static_cast<char>(c ^ 0x20) : c);
  }
  put('#');
  put(kDigits[sum >> 4]);
  put(kDigits[sum & 15]);
}

}  // namespace bf::x86::gdb
