#include "arch/x86/keyboard.h"

#include "arch/x86/port_io.h"

namespace bf::x86 {

namespace {

// The 8042's ports and status bits (IBM PS/2 technical reference, keyboard controller).
constexpr u16 kData = 0x60, kStatus = 0x64;
constexpr u8 kOutputFull = 0x01, kFromMouse = 0x20;

// Scan code set 1, which the controller translates to: bytes without and with shift, by code.
constexpr char kPlain[] =
    "\0\x1b"
    "1234567890-=\x7f\tqwertyuiop[]\r\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
constexpr char kShifted[] =
    "\0\x1b"
    "!@#$%^&*()_+\x7f\tQWERTYUIOP{}\r\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
static_assert(sizeof kPlain == sizeof kShifted && sizeof kPlain == 0x39 + 2);

constexpr u8 kExtended = 0xe0, kReleased = 0x80;
constexpr u8 kControl = 0x1d, kLeftShift = 0x2a, kRightShift = 0x36, kCapsLock = 0x3a;

// Keys after the prefix 0xe0 (and, without it, of the number pad) that have terminal sequences.
struct NamedKey {
  u8 code;
  const char* bytes;
};
constexpr NamedKey kNamedKeys[] = {{0x48, "\x1b[A"},  {0x50, "\x1b[B"}, {0x4d, "\x1b[C"},
                                   {0x4b, "\x1b[D"},  {0x47, "\x1b[H"}, {0x4f, "\x1b[F"},
                                   {0x53, "\x1b[3~"}, {0x1c, "\r"},     {0x35, "/"}};

class Keyboard {
 public:
  bool start() {
    if (in8(kStatus) == 0xff) return false;
    for (int i = 0; i < 32 && (in8(kStatus) & kOutputFull) != 0; ++i) in8(kData);
    present_ = true;
    return true;
  }

  int poll() {
    if (!present_) return -1;
    while (*pending_ == 0) {
      const u8 status = in8(kStatus);
      if ((status & kOutputFull) == 0) return -1;
      const u8 code = in8(kData);
      if ((status & kFromMouse) != 0) continue;
      const int byte = take(code);
      if (byte >= 0) return byte;
    }
    return static_cast<u8>(*pending_++);
  }

 private:
  // The byte for a scan code, or -1 (perhaps with bytes pending).
  int take(u8 code) {
    if (code == kExtended) {
      extended_ = true;
      return -1;
    }
    const bool extended = extended_;
    extended_ = false;
    const bool released = (code & kReleased) != 0;
    code &= kReleased - 1;
    if (code == kLeftShift || code == kRightShift) {
      if (!extended) shift_ = !released;
      return -1;
    }
    if (code == kControl) {
      control_ = !released;
      return -1;
    }
    if (released) return -1;
    if (code == kCapsLock) caps_lock_ = !caps_lock_;
    return extended || code >= sizeof kPlain - 1 ? take_named(code) : take_character(code);
  }

  int take_named(u8 code) {
    for (const NamedKey& key : kNamedKeys)
      if (key.code == code) pending_ = key.bytes;
    return -1;
  }

  int take_character(u8 code) {
    const char plain = kPlain[code];
    if (plain == 0) return -1;
    const bool letter = plain >= 'a' && plain <= 'z';
    if (control_) return letter ? plain - 'a' + 1 : -1;
    return shift_ != (letter && caps_lock_) ? kShifted[code] : plain;
  }

  const char* pending_ = "";
  bool present_ = false;
  bool extended_ = false, shift_ = false, control_ = false, caps_lock_ = false;
};

constinit Keyboard keyboard;

}  // namespace

bool start_keyboard() {
  return keyboard.start();
}

int poll_keyboard() {
  return keyboard.poll();
}

}  // namespace bf::x86
