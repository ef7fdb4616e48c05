#include "arch/x86/keyboard.h"

#include "arch/x86/keyboard/key_decoder.h"
#include "arch/x86/port_io.h"
#include "runtime/options.h"

namespace bf::x86 {

namespace {

// The 8042's ports, status bits, commands and configuration (IBM PS/2 technical reference, keyboard
// controller).
constexpr u16 kData = 0x60, kStatus = 0x64, kCommand = 0x64;
constexpr u8 kOutputFull = 0x01, kInputFull = 0x02, kFromMouse = 0x20;
constexpr u8 kReadConfiguration = 0x20, kWriteConfiguration = 0x60, kEnableKeyboard = 0xae;
constexpr u8 kKeyboardOff = 0x10, kTranslate = 0x40;
constexpr u8 kStartScanning = 0xf4;  // the keyboard's own command
constexpr u8 kNothingThere = 0xff;
constexpr int kTries = 20'000;  // about 1 us each on a PC

bool present = false;
constinit KeyDecoder keys;

bool wait_for(u8 bit, bool set) {
  for (int i = 0; i < kTries; ++i)
    if (((in8(kStatus) & bit) != 0) == set) return true;
  return false;
}

void send(u16 port, u8 byte) {
  if (wait_for(kInputFull, false)) out8(port, byte);
}

void drain() {
  for (int i = 0; i < 32 && (in8(kStatus) & kOutputFull) != 0; ++i) in8(kData);
}

// UEFI's firmware may have left the keyboard off, or without the translation to scan code set 1.
void set_up_controller() {
  drain();
  send(kCommand, kReadConfiguration);
  if (!wait_for(kOutputFull, true)) return;
  const u8 now = in8(kData), wanted = static_cast<u8>((now & ~kKeyboardOff) | kTranslate);
  if (now == wanted) return;
  send(kCommand, kWriteConfiguration);
  send(kData, wanted);
  send(kCommand, kEnableKeyboard);
  send(kData, kStartScanning);
  wait_for(kOutputFull, true);  // its acknowledgement
  drain();
}

}  // namespace

Result<bool> start_keyboard() {
  const std::string_view layout = options::find("keyboard").value_or("us");
  if (!keys.set_layout(layout))
    return Error::format("keyboard=%.*s is not a layout: use one of%s",
                         static_cast<int>(layout.size() < 40 ? layout.size() : 40), layout.data(),
                         kLayoutNames);
  if (in8(kStatus) == kNothingThere) return false;
  set_up_controller();
  present = true;
  return true;
}

int poll_keyboard() {
  if (!present) return -1;
  for (;;) {
    if (const int byte = keys.next(); byte >= 0) return byte;
    const u8 status = in8(kStatus);
    if ((status & kOutputFull) == 0) return -1;
    const u8 code = in8(kData);
    if ((status & kFromMouse) == 0) keys.take(code);
  }
}

}  // namespace bf::x86
