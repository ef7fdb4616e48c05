// Scan codes to the bytes that a terminal would send: UTF-8, control characters, sequences.
//
//   KeyDecoder keys;
//   keys.set_layout("fr");
//   keys.take(0x10);                  // the key that is Q on an American keyboard: pressed
//   while ((byte = keys.next()) >= 0) // 'a'
//
// No hardware. Scan code set 1, with the prefixes 0xe0 and 0xe1 (IBM PS/2 technical reference,
// keyboards). Shift, Caps Lock (letters only), Control, AltGr, Num Lock; the left Alt puts ESC in front.
// Dead keys join the letter that follows; with a space, or where there is no such letter, the accent
// comes by itself.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

class KeyDecoder {
 public:
  // False if there is no such layout; then nothing changes.
  [[nodiscard]] bool set_layout(std::string_view name);

  // A byte of the keyboard's. What the key gives waits for next(); what waits already is lost only if
  // there is no room.
  void take(u8 code);

  // The next byte, or -1.
  int next();

 private:
  static constexpr u32 kRoom = 32;

  bool take_modifier(u8 code, bool extended, bool pressed);
  bool take_named(u8 code, bool extended);
  bool take_number_pad(u8 code);
  void take_character(u8 code);
  void put_control(u32 plain, u32 shifted);
  void put_character(u32 character);
  void put_utf8(u32 character);
  void put(char byte);
  void put(const char* bytes);
  void put_number(u32 number);

  u32 layout_ = 0;  // of layouts.def
  u8 to_skip_ = 0;  // of a sequence that begins with 0xe1
  bool extended_ = false;
  bool left_shift_ = false, right_shift_ = false, caps_lock_ = false, num_lock_ = false;
  bool caps_held_ = false, num_held_ = false;
  bool left_control_ = false, right_control_ = false, alt_ = false, alt_gr_ = false;
  u32 dead_ = 0;  // the mark that waits for a letter

  char bytes_[kRoom] = {};  // a ring
  u32 first_ = 0, count_ = 0;
};

// " us fr de", for messages.
extern const char kLayoutNames[];

}  // namespace bf::x86
