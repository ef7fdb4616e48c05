// Text made of pieces, without printf: log lines and errors.
//
//   Message message;
//   message << "tensor " << Quoted(name) << ": " << rows << " rows\n";
//   message.write(BF_STREAM_LOG);
//
// A message that grows too long is cut.
#pragma once

#include "inference/types.h"

namespace inference {

// A name from a file: shown between quotes, cut to a sensible length, unprintable bytes as '?'.
struct Quoted {
  explicit Quoted(Text name) : text(name) {}
  Text text;
};

// A number shown with `decimals` digits after the point.
struct Decimal {
  double value;
  u32 decimals;
};

class Message {
 public:
  Message& operator<<(Text text);
  Message& operator<<(Quoted name);
  Message& operator<<(u64 number);
  Message& operator<<(u32 number) { return *this << static_cast<u64>(number); }
  Message& operator<<(i32 number);
  Message& operator<<(Decimal number);

  Text text() const { return {bytes_, size_}; }
  bool empty() const { return size_ == 0; }
  void write(BfStream stream) const { bf_write(stream, bytes_, size_); }

 private:
  void add(char byte);

  char bytes_[400];
  u32 size_ = 0;
};

// Why the input was refused: "model: <what is wrong, where>: <what to do>".
using Error = Message;

}  // namespace inference
