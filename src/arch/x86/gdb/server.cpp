#include "arch/x86/gdb/server.h"

#include <atomic>
#include <cstring>

#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/core.h"
#include "arch/x86/gdb/breakpoints.h"
#include "arch/x86/gdb/commands.h"
#include "arch/x86/gdb/held_core.h"
#include "arch/x86/gdb/memory.h"
#include "arch/x86/gdb/vector_state.h"
#include "arch/x86/interrupts.h"
#include "arch/x86/io_apic.h"
#include "arch/x86/port_io.h"
#include "arch/x86/print.h"
#include "arch/x86/registers.h"
#include "arch/x86/serial.h"
#include "arch/x86/smp.h"
#include "arch/x86/stacks.h"
#include "arch/x86/watchdog.h"
#include "runtime/options.h"
#include "runtime/platform.h"
#include "runtime/progress.h"
#include "runtime/text.h"

namespace bf::x86::gdb {

namespace {

constexpr u64 kTrapFlag = 1 << 8;
constexpr u32 kMsrGsBase = 0xc0000101;
constexpr u32 kDebug = 1, kBreakpoint = 3;
constexpr i32 kKilledStatus = 137;  // as a process that was killed

// ---- Cores that stand still

struct HeldCore {
  CoreRegisters registers;
  u64 fs_base = 0, gs_base = 0;  // as they were
  // Whether it shall stand still; whether it does, and its registers may be read and changed.
  std::atomic<u32> must_hold{0}, is_held{0};
  std::atomic<u32> was_called{0};  // by an interrupt that has not come yet
  // Whether it is about to stand still, does, or is about to go on: an interrupt that comes meanwhile
  // has nothing to do.
  std::atomic<u32> is_here{0};
  // Goes on by one instruction: because the debugger wants it, or because of bounce().
  bool steps = false, was_bounced = false;
};
HeldCore held[kMostCores];

bool is_on = false;
std::atomic<u32> is_attached{0};
// The core that talks to the debugger, and one; 0: nobody does, and some may run.
std::atomic<u32> speaker{0};
Breakpoints breakpoints;

u16 read_segment(u32 which) {
  u16 value = 0;
  switch (which) {
    case 0: asm("mov %%ds, %0" : "=r"(value)); break;
    case 1: asm("mov %%es, %0" : "=r"(value)); break;
    case 2: asm("mov %%fs, %0" : "=r"(value)); break;
    default: asm("mov %%gs, %0" : "=r"(value)); break;
  }
  return value;
}

void copy_registers(HeldCore& h, ExceptionFrame& frame) {
  CoreRegisters& r = h.registers;
  r.frame = &frame;
  r.fx = reinterpret_cast<u8*>((reinterpret_cast<u64>(&frame) - kFxBytes) & ~u64{15});
  r.fs_base = h.fs_base = read_msr(kMsrFsBase);
  r.gs_base = h.gs_base = read_msr(kMsrGsBase);
  r.ds = read_segment(0), r.es = read_segment(1), r.fs = read_segment(2), r.gs = read_segment(3);
  read_upper_halves(r.ymm_high);
  frame.rflags &= ~kTrapFlag;
  h.steps = h.was_bounced = false;
  Breakpoints::unload();
}

void put_registers_back(HeldCore& h) {
  write_upper_halves(h.registers.ymm_high);
  breakpoints.load();
  if (h.registers.gs_base != h.gs_base) write_msr(kMsrGsBase, h.registers.gs_base);
  if (h.registers.fs_base != h.fs_base) write_msr(kMsrFsBase, h.registers.fs_base);
}

void hold_others(u32 self) {
  constexpr u64 kLongest = 500'000'000;
  for (u32 i = 0; i < online_cores(); ++i) {
    HeldCore& h = held[i];
    if (i == self || h.must_hold.exchange(1) != 0 || h.is_held.load() != 0) continue;
    h.was_called.store(1);
    apic::send_nmi(core_at(i).apic_id);
  }
  const Deadline deadline(kLongest);
  for (u32 i = 0; i < online_cores(); ++i)
    while (i != self && held[i].is_held.load() == 0 && !deadline.passed()) __builtin_ia32_pause();
}

// The caller's core goes on by itself.
void let_go(u32 self, const Resumption& r) {
  for (u32 i = 0; i < online_cores(); ++i) {
    HeldCore& h = held[i];
    const bool steps = (r.step >> i & 1) != 0, runs = (r.run >> i & 1) != 0;
    if (steps && h.is_held.load() != 0) {
      h.registers.frame->rflags |= kTrapFlag;
      h.steps = true;
    }
    if (i == self || steps || runs) h.must_hold.store(steps || runs ? 0 : 1);
  }
}

// ---- What the debugger's commands are carried out on

class Machine final : public Target {
 public:
  u32 thread_count() override { return online_cores(); }
  const char* thread_text(u32 thread) override {
    static char text[40];
    const u32 core = thread - 1;
    std::snprintf(text, sizeof text, "core %u%s", core,
                  held[core].is_held.load() == 0         ? ", does not stop"
                  : core_at(core).asleep.load() != 0 ? ", asleep"
                                                         : "");
    return text;
  }
  bool has_avx() override { return platform::cpu_features().avx; }

  bool read_register(u32 thread, u32 number, std::span<u8> bytes) override {
    const HeldCore& h = held[thread - 1];
    if (h.is_held.load() == 0) return false;
    gdb::read_register(h.registers, number, bytes);
    return true;
  }
  bool write_register(u32 thread, u32 number, std::span<const u8> bytes) override {
    HeldCore& h = held[thread - 1];
    return h.is_held.load() != 0 && gdb::write_register(h.registers, number, bytes);
  }
  usize read_memory(u64 address, std::span<u8> bytes) override { return gdb::read_memory(address, bytes); }
  bool write_memory(u64 address, std::span<const u8> bytes) override {
    return gdb::write_memory(address, bytes);
  }
  bool insert(Breakpoint kind, u64 address, u64 bytes) override {
    return breakpoints.insert(kind, address, bytes);
  }
  bool remove(Breakpoint kind, u64 address, u64 bytes) override {
    return breakpoints.remove(kind, address, bytes);
  }
  void remove_all() override { breakpoints.remove_all(); }
};

// ---- The line

Machine machine;
Commands commands(machine);
PacketReader reader;
bool waits_for_stop = false;  // the debugger has let cores go on, and wants to be told when they stop

SerialPort& port() {
  return serial_port(1);
}

// What comes in does not go through the port's queue, which is for one core: any of those that stand
// still may look. Registers: serial.cpp.
constexpr u16 kData = 0x2f8, kInterruptEnable = kData + 1, kLineStatus = kData + 5;

bool has_input() {
  return (in8(kLineStatus) & 1) != 0;
}

// While somebody talks, the port is asked; then it interrupts again, at once if there is something.
void let_port_interrupt(bool wanted) {
  if (wanted) port().interrupt_on_input();
  else out8(kInterruptEnable, 0);
}

void send_byte(char c) {
  port().write({&c, 1}, false);
}

void send_answer() {
  write_packet(commands.answer(), send_byte);
}

u8 next_byte() {
  while (!has_input()) {
    stop_if_asked();
    __builtin_ia32_pause();
  }
  return in8(kData);
}

// Whether the debugger wants something of a machine that runs: Ctrl-C, or a packet.
enum class Call : u8 { None, Interrupt, Packet };
Call take_call() {
  constexpr u8 kCtrlC = 3;
  while (has_input()) {
    const u8 byte = in8(kData);
    if (byte == kCtrlC) return Call::Interrupt;
    if (byte != '$') continue;
    (void)reader.feed(byte);
    return Call::Packet;
  }
  return Call::None;
}

// Until the debugger lets somebody go on.
Resumption converse() {
  using Event = PacketReader::Event;
  using Then = Commands::Then;
  for (;;) {
    const Event event = reader.feed(next_byte());
    if (event == Event::Nack) send_answer();
    if (event == Event::Damaged) send_byte('-');
    if (event != Event::Packet && event != Event::TooLong) continue;
    if (commands.acknowledges()) send_byte('+');
    is_attached.store(1);
    const Then then = commands.handle(event == Event::Packet ? reader.packet() : std::string_view{});
    if (then != Then::Resume && (then != Then::Kill || !commands.answer().empty())) send_answer();
    if (then == Then::Kill) platform::exit(kKilledStatus);
    if (then == Then::Answer) continue;
    waits_for_stop = then == Then::Resume;
    if (then == Then::Detach) {
      is_attached.store(0);
      commands.start_over();
    }
    return commands.resumption();
  }
}

// As the only one; all others are held, as far as they answer.
void talk(u32 self, const Stop& stop, bool is_awaited) {
  let_port_interrupt(false);
  hold_others(self);
  breakpoints.lift();
  commands.stopped(stop);
  if (is_awaited && waits_for_stop) write_packet(commands.stop_text(), send_byte);
  waits_for_stop = false;
  const Resumption resumption = converse();
  breakpoints.plant();
  note_progress();
  let_go(self, resumption);
}

void end_talk() {
  speaker.store(0);
  let_port_interrupt(true);
}

bool begin_talk(u32 self) {
  u32 nobody = 0;
  return speaker.compare_exchange_strong(nobody, self + 1);
}

// If the debugger calls, and nobody talks to it.
void answer_call(u32 self) {
  if (!has_input() || !begin_talk(self)) return;
  const Call call = take_call();
  if (call == Call::Packet) commands.start_over();
  if (call != Call::None) talk(self, {.thread = self + 1, .signal = kInterrupt}, call == Call::Interrupt);
  end_talk();
}

// ---- A core that stops

// Until it may go on. When it may be interrupted again it looks once more, because interrupts have come
// to nothing meanwhile.
void stand_still(u32 self, ExceptionFrame& frame) {
  HeldCore& h = held[self];
  do {
    h.is_here.store(1);
    if (h.is_held.load() == 0) copy_registers(h, frame);
    h.is_held.store(1);
    answer_call(self);
    while (h.must_hold.load() != 0) {
      stop_if_asked();
      if (speaker.load() == 0) answer_call(self);
      __builtin_ia32_pause();
    }
    put_registers_back(h);
    h.is_held.store(0);
    h.is_here.store(0);
  } while (h.must_hold.load() != 0 || (self == 0 && speaker.load() == 0 && has_input()));
}

// Tells the debugger of it, after those who were first.
void stop_for(u32 self, ExceptionFrame& frame, const Stop& stop) {
  HeldCore& h = held[self];
  h.is_here.store(1);
  copy_registers(h, frame);
  h.is_held.store(1);
  const bool comes_again = stop.at_breakpoint && stop.kind == Breakpoint::Software;
  bool is_first = begin_talk(self);
  while (!is_first && !comes_again) {
    while (speaker.load() != 0 || h.must_hold.load() != 0) {
      stop_if_asked();
      if (speaker.load() == 0 && has_input()) break;
      __builtin_ia32_pause();
    }
    is_first = begin_talk(self);
  }
  if (is_first) {
    talk(self, stop, true);
    end_talk();
  }
  stand_still(self, frame);
}

// An interrupt that came between an exception and the place where its core stands still, or behind that.
// If the core stood still here and now, it could not be stepped: the next exception would use the same
// stack. So it comes again when it is one instruction away.
bool bounce(u32 self, const ExceptionFrame& frame) {
  const TaskState& state = this_core().segments.state;
  for (const InterruptStack stack : {InterruptStack::Fault, InterruptStack::Debug}) {
    const u64 top = state.ist[static_cast<u32>(stack) - 1];
    if (frame.rsp > top || top - frame.rsp >= kInterruptStackBytes) continue;
    reinterpret_cast<ExceptionFrame*>(top - sizeof(ExceptionFrame))->rflags |= kTrapFlag;
    held[self].was_bounced = true;
    return true;
  }
  return false;
}

Stop debug_stop(u32 self) {
  Stop stop = {.thread = self + 1};
  const u64 status = take_debug_status();
  stop.at_breakpoint = breakpoints.find_hit(status, stop.kind, stop.address);
  return stop;
}

// Whether the program itself has such an instruction there, of one byte or of two. If not, it was the
// debugger's, and has been taken out between the exception and now.
bool follows_breakpoint(u64 address) {
  u8 bytes[2];
  return read_memory(address - 2, bytes) != 2 || bytes[1] == 0xcc || (bytes[0] == 0xcd && bytes[1] == 3);
}

Signal signal_of(u64 vector) {
  switch (vector) {
    case 0:
    case 16:
    case 19: return kArithmetic;
    case 6: return kIllegal;
    case 13:
    case 14: return kSegment;
    default: return kBus;
  }
}

// ---- Options

// Whether a stream goes there already.
bool is_taken(std::string_view port_name) {
  for (const char* key : {"text", "log", "profile-to", "logits-to"})
    if (options::find(key).value_or("") == port_name) return true;
  return false;
}

}  // namespace

bool takes_exception(ExceptionFrame& frame, bool is_panic) {
  if (!is_on) return false;
  const u32 self = this_core().index;
  if (frame.vector == kDebug && held[self].was_bounced && !held[self].steps) {
    (void)take_debug_status();
    stand_still(self, frame);
    return true;
  }
  if (is_attached.load() == 0) return false;
  if (held[self].is_here.load() != 0) {
    is_on = false;  // this is ours: the debugger's side is broken
    return false;
  }
  if (frame.vector == kDebug) {
    stop_for(self, frame, debug_stop(self));
    return true;
  }
  if (frame.vector == kBreakpoint) {
    Stop stop = {.thread = self + 1};
    stop.at_breakpoint = breakpoints.has_software(frame.rip - 1);
    const bool is_gone = !stop.at_breakpoint && !follows_breakpoint(frame.rip);
    if (stop.at_breakpoint || is_gone) --frame.rip;
    if (is_gone) return true;
    stop_for(self, frame, stop);
    return true;
  }
  const u64 before = frame.rip;
  stop_for(self, frame, {.thread = self + 1, .signal = is_panic ? kAbort : signal_of(frame.vector)});
  return frame.rip != before;
}

bool takes_non_maskable(ExceptionFrame& frame) {
  if (!is_on) return false;
  const u32 self = this_core().index;
  HeldCore& h = held[self];
  const bool was_called = h.was_called.exchange(0) != 0;
  if (h.is_here.load() != 0) return true;
  if (h.must_hold.load() != 0 || (speaker.load() == 0 && has_input())) {
    if (!bounce(self, frame)) stand_still(self, frame);
    return true;
  }
  // Somebody else was sooner to read what it came for.
  return was_called || (self == 0 && watchdog_seconds() == 0);
}

Result<void> start() {
  const std::string_view wish = options::find("gdb").value_or("0");
  if (wish == "0" || wish == "1") return {};
  const bool waits = wish == "serial,wait";
  if (!waits && wish != "serial")
    return Error::format("gdb=%.*s: use 0, 1, serial or serial,wait",
                         printed_length(wish, 40), wish.data());
  if (is_taken("com2")) return Error::format("gdb=serial wants com2, and so does another option");
  if (options::find("text").value_or("") == "com4")
    return Error::format("gdb=serial wants the interrupt of com2, which is com4's, too: text=com4 needs it");
  if (!port().start()) {
    print("gdb: there is no second serial port\n");
    return {};
  }
  port().set_flow(SerialFlow::None);
  is_on = true;
  const bool interrupts = apic::is_on() && io_apic::route_unmaskable(serial_line(port()), apic::id());
  let_port_interrupt(true);
  print("gdb: %s on COM2%s\n", waits ? "waits" : "listens",
        interrupts ? "" : ", but cannot be interrupted: the machine has no I/O APIC");
  if (!waits) return {};
  is_attached.store(1);
  asm volatile("int3");
  return {};
}

}  // namespace bf::x86::gdb
