// What a serial port has received and nobody has read yet, and when its sender has to wait.
//
//   InputQueue queue;
//   while (port has a byte && queue.has_room()) queue.put(byte);
//   if (queue.must_stop()) ...    // said once, when it is three quarters full
//   if (queue.may_go_on()) ...    // said once, when there is room again
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

class InputQueue {
 public:
  static constexpr u32 kRoom = 512;

  bool has_room() const { return count_ < kRoom; }
  bool empty() const { return count_ == 0; }

  void put(u8 byte) { bytes_[(first_ + count_++) % kRoom] = byte; }
  u8 take() {
    const u8 byte = bytes_[first_];
    first_ = (first_ + 1) % kRoom;
    --count_;
    return byte;
  }

  bool must_stop() {
    if (stopped_ || count_ < kRoom * 3 / 4) return false;
    return stopped_ = true;
  }
  bool may_go_on() {
    if (!stopped_ || count_ > kRoom / 4) return false;
    stopped_ = false;
    return true;
  }

 private:
  u8 bytes_[kRoom] = {};
  u32 first_ = 0, count_ = 0;
  bool stopped_ = false;
};

}  // namespace bf::x86
