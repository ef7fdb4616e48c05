#include "arch/x86/streams.h"

#include <atomic>
#include <cstring>

#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/core.h"
#include "arch/x86/interrupts.h"
#include "arch/x86/io_apic.h"
#include "arch/x86/keyboard.h"
#include "arch/x86/last_lines.h"
#include "arch/x86/port_io.h"
#include "arch/x86/remote_terminal.h"
#include "arch/x86/serial.h"
#include "arch/x86/spin_lock.h"
#include "arch/x86/screen/screen.h"
#include "runtime/options.h"
#include "runtime/platform.h"
#include "runtime/progress.h"

namespace bf {

namespace {

using x86::SerialPort;
using x86::SpinLock;

constexpr u8 kEndOfInput = 0x04;

struct StreamOption {
  const char* key;
  const char* standard;
  bool on_screen;
};
// By Stream.
constexpr StreamOption kStreamOptions[] = {
    {"text", "com1", true}, {"log", "com1", true}, {"profile-to", "none", false},
    {"logits-to", "none", false}};
constexpr u32 kStreamCount = sizeof kStreamOptions / sizeof kStreamOptions[0];

// Where a stream's bytes go: a serial port, an emulator's debug port (bytes as they are, always
// ready), or nowhere.
struct Output {
  SerialPort* serial = nullptr;
  u16 debug_port = 0;
};

struct State {
  bool open = false;
  Output outputs[kStreamCount] = {};
  SerialPort* input = nullptr;
  bool keyboard = false;
  bool carriage_returns = true;
  bool interactive = false;
  bool has_terminal = false;  // at the other end of the text's serial port
  bool input_ended = false;
  bool text_line_open = false;
  int next_byte = -1;  // taken from a device and not read yet
  bool is_drawing_late = false;  // a core's timer will draw what was written
};
constinit State state;
constinit x86::RemoteTerminal remote;

// Of all that follows and of the devices. In an emergency nobody waits for it: who holds it may have
// been stopped, or be the one that waits.
SpinLock lock;
std::atomic<u32> writer_alone{0};  // 0: everybody writes; else the index of who does, and one

class StreamGuard {
 public:
  StreamGuard() : holds_(writer_alone.load(std::memory_order_relaxed) == 0) {
    if (holds_) lock.acquire();
  }
  ~StreamGuard() {
    if (holds_) lock.release();
  }
  StreamGuard(const StreamGuard&) = delete;
  StreamGuard& operator=(const StreamGuard&) = delete;

  // Whether what the calling core writes is still wanted.
  static bool may_write() {
    const u32 alone = writer_alone.load(std::memory_order_relaxed);
    return alone == 0 || alone == x86::this_core().index + 1;
  }

 private:
  bool holds_;
};

// What was written before the streams opened.
char early_text[4096];
usize early_bytes = 0;

// Where the log would go on in the middle of a line of text, it starts a line of its own, on a serial port
// that carries both. The screen has its own way.
void break_line(platform::Stream stream, std::string_view bytes) {
  constexpr auto kText = static_cast<u32>(platform::Stream::Text);
  constexpr auto kLog = static_cast<u32>(platform::Stream::Log);
  const bool shown = stream == platform::Stream::Text || stream == platform::Stream::Log;
  if (!shown || bytes.empty()) return;
  if (stream == platform::Stream::Log && state.text_line_open) {
    SerialPort* serial = state.outputs[kLog].serial;
    if (serial != nullptr && serial == state.outputs[kText].serial)
      serial->write("\n", state.carriage_returns);
  }
  state.text_line_open = stream == platform::Stream::Text && bytes.back() != '\n';
}

// What was written is drawn now, or, where there is much of it, in a moment: the core's timer sees to
// that, if nobody writes until then.
void show() {
  const bool is_alone = writer_alone.load(std::memory_order_relaxed) != 0;
  if (is_alone || !x86::apic::is_on()) return x86::draw_screen();
  if (x86::draw_screen_if_due()) state.is_drawing_late = false;
  else if (!state.is_drawing_late) {
    state.is_drawing_late = true;
    x86::apic::start_timer(x86::kScreenPauseNs);
  }
}

void send(u32 stream, std::string_view bytes) {
  break_line(static_cast<platform::Stream>(stream), bytes);
  const Output& output = state.outputs[stream];
  if (output.serial != nullptr) output.serial->write(bytes, state.carriage_returns);
  if (output.debug_port != 0)
    for (const char c : bytes) x86::out8(output.debug_port, static_cast<u8>(c));
  if (!kStreamOptions[stream].on_screen) return;
  const bool is_text = stream == static_cast<u32>(platform::Stream::Text);
  x86::write_to_screen(bytes, is_text ? x86::ScreenText::Text : x86::ScreenText::Log);
  if (writer_alone.load(std::memory_order_relaxed) != 0) x86::show_waiting_log();
  show();
}

void open_streams() {
  state.open = true;
  send(static_cast<u32>(platform::Stream::Log), {early_text, early_bytes});
  early_bytes = 0;
}

Result<void> apply_flow_option() {
  const std::string_view value = options::find("flow").value_or("auto");
  constexpr std::string_view kNames[] = {"none", "rtscts", "xonxoff"};
  for (u32 i = 0; i < 3; ++i) {
    if (value != kNames[i]) continue;
    for (u32 port = 0; port < x86::kSerialPortCount; ++port)
      x86::serial_port(port).set_flow(static_cast<x86::SerialFlow>(i));
    return {};
  }
  if (value == "auto") return {};
  return Error::format("flow=%.*s is not one that is known: use auto, none, rtscts or xonxoff",
                       static_cast<int>(value.size() < 40 ? value.size() : 40), value.data());
}

Result<Output> output_from_option(const StreamOption& option) {
  const std::string_view value = options::find(option.key).value_or(option.standard);
  if (value == "none") return Output{};
  if (const u16 port = x86::parse_port(value)) return Output{nullptr, port};
  const bool is_serial = value.size() == 4 && value.starts_with("com") && value[3] >= '1' &&
                         value[3] < static_cast<char>('1' + x86::kSerialPortCount);
  if (!is_serial)
    return Error::format("%s=%.*s is not a place for output: use com1, com2, com3, com4 or none",
                         option.key, static_cast<int>(value.size() < 40 ? value.size() : 40),
                         value.data());
  SerialPort& port = x86::serial_port(static_cast<u32>(value[3] - '1'));
  return Output{port.start() ? &port : nullptr, 0};
}

bool is_on(const char* key) {
  return options::find(key).value_or("0") == "1";
}

// Takes a byte from whichever device has one.
int poll_devices() {
  while (state.input != nullptr && state.input->can_read()) {
    const u8 byte = state.input->read();
    if (!state.has_terminal) return byte;
    remote.take(byte, platform::clock_ns());
    if (const int passed = remote.next(platform::clock_ns()); passed >= 0) return passed;
  }
  if (state.has_terminal)
    if (const int passed = remote.next(platform::clock_ns()); passed >= 0) return passed;
  return state.keyboard ? x86::poll_keyboard() : -1;
}

// Fetches a byte if there is one and none is waiting; sees the end of the input.
bool fetch() {
  if (state.next_byte >= 0 || state.input_ended) return true;
  state.next_byte = poll_devices();
  if (state.next_byte == kEndOfInput && !state.interactive) {
    state.next_byte = -1;
    state.input_ended = true;
  }
  return state.next_byte >= 0 || state.input_ended;
}

// Before the timer is used for something else.
void draw_late_text() {
  const StreamGuard guard;
  // A person at a prompt line sees it when the line has ended.
  if (!state.interactive) x86::show_waiting_log();
  x86::draw_screen();
  state.is_drawing_late = false;
}

// The core sleeps until a device or the timer wakes it. The keyboard is only looked at by the timer's
// turns, which come sooner than the next key; where no device interrupts anybody, so is the port.
void wait_for_input() {
  constexpr u64 kLongest = 20'000'000, kShort = 1'000'000;
  draw_late_text();
  if (!x86::apic::is_on()) return __builtin_ia32_pause();
  static const bool is_routed = [] {
    if (state.input == nullptr) return true;
    state.input->interrupt_on_input();
    return x86::io_apic::route(x86::serial_line(*state.input), x86::apic::id(), x86::kDeviceVector);
  }();
  x86::apic::start_timer(is_routed ? kLongest : kShort);
  x86::sleep_unless(platform::read_ready);
  x86::apic::stop_timer();
}

}  // namespace

Result<void> x86::start_streams() {
  for (u32 i = 0; i < kStreamCount; ++i) {
    auto output = output_from_option(kStreamOptions[i]);
    if (!output) return output.error();
    state.outputs[i] = *output;
  }
  if (options::find("NO_COLOR").value_or("") != "") make_screen_plain();
  state.carriage_returns = !is_on("raw");
  state.interactive = is_on("interactive");
  state.input = state.outputs[static_cast<u32>(platform::Stream::Text)].serial;
  if (state.input == nullptr && serial_port(0).start()) state.input = &serial_port(0);
  auto keyboard = start_keyboard();
  if (!keyboard) return keyboard.error();
  state.keyboard = *keyboard;
  const std::string_view terminal = options::find("terminal").value_or("plain");
  if (terminal != "plain" && terminal != "ansi")
    return Error::format("terminal=%.*s is not one that is known: use plain or ansi",
                         static_cast<int>(terminal.size() < 40 ? terminal.size() : 40), terminal.data());
  state.has_terminal = terminal == "ansi" && state.input != nullptr;
  if (auto flow = apply_flow_option(); !flow) return flow;
  open_streams();
  if (state.has_terminal) state.input->write(RemoteTerminal::kAskSize, false);
  return {};
}

bool x86::has_status_line() {
  return options::find("status").value_or("1") != "0" && (state.has_terminal || has_screen());
}

void x86::show_status(std::string_view line) {
  const StreamGuard guard;
  if (!StreamGuard::may_write()) return;
  show_status_on_screen(line);
  show();
  if (!state.has_terminal) return;
  // Nobody may be reading at the moment, but this must know how large the terminal is.
  while (remote.has_room() && state.input->can_read())
    remote.take(state.input->read(), platform::clock_ns());
  char room[RemoteTerminal::kStatusRoom];
  state.input->write(remote.status(line, room), false);
}

// The narrowest of the consoles that show what is typed.
u32 x86::console_columns() {
  const u32 screen = has_screen() ? screen_columns() : ~0u;
  const u32 serial = state.input != nullptr ? remote.columns() : ~0u;
  const u32 least = screen < serial ? screen : serial;
  return least == ~0u ? 0 : least;
}

void x86::begin_emergency_output() {
  writer_alone.store(this_core().index + 1, std::memory_order_relaxed);
  if (state.open) return;
  SerialPort& port = serial_port(0);
  if (port.start()) state.outputs[static_cast<u32>(platform::Stream::Log)].serial = &port;
  open_streams();
}

void x86::stop_streams() {
  constexpr u64 kLongest = 1'000'000'000;
  const Deadline deadline(kLongest);
  const bool is_alone = writer_alone.load(std::memory_order_relaxed) != 0;
  while (!is_alone && !lock.try_acquire() && !deadline.passed()) __builtin_ia32_pause();
  writer_alone.store(this_core().index + 1, std::memory_order_relaxed);
}

void x86::on_device() {
  if (state.input != nullptr) state.input->pump();
}

void x86::on_timer() {
  if (!lock.try_acquire()) return apic::start_timer(kScreenPauseNs);  // who holds it may be below us
  if (state.is_drawing_late && writer_alone.load(std::memory_order_relaxed) == 0) {
    draw_screen();
    state.is_drawing_late = false;
  }
  lock.release();
}

void x86::flush_streams() {
  show_waiting_log();
  if (state.open) draw_screen();
  char room[RemoteTerminal::kStatusRoom];
  if (state.has_terminal) state.input->write(remote.end_status(room), false);
  for (const Output& output : state.outputs)
    if (output.serial != nullptr) output.serial->flush();
}

void platform::write(Stream stream, std::string_view bytes) {
  const StreamGuard guard;
  if (!StreamGuard::may_write()) return;
  if (stream == Stream::Log) x86::keep_last_lines(bytes);
  if (state.open) return send(static_cast<u32>(stream), bytes);
  const usize room = sizeof early_text - early_bytes;
  const usize count = bytes.size() < room ? bytes.size() : room;
  std::memcpy(early_text + early_bytes, bytes.data(), count);
  early_bytes += count;
}

bool platform::has_stream(Stream stream) {
  const auto index = static_cast<u32>(stream);
  const Output& output = state.outputs[index];
  return output.serial != nullptr || output.debug_port != 0 || kStreamOptions[index].on_screen;
}

bool platform::read_ready() {
  return fetch() || (state.input == nullptr && !state.keyboard);
}

usize platform::read(void* buffer, usize capacity) {
  if (capacity == 0) return 0;
  for (; !read_ready(); note_progress()) wait_for_input();
  auto* bytes = static_cast<u8*>(buffer);
  usize count = 0;
  while (count < capacity && fetch() && state.next_byte >= 0) {
    bytes[count++] = static_cast<u8>(state.next_byte);
    state.next_byte = -1;
  }
  return count;
}

}  // namespace bf
