#include "arch/x86/apic.h"

#include "arch/x86/clock.h"
#include "arch/x86/interrupts.h"
#include "arch/x86/memory.h"
#include "arch/x86/registers.h"
#include "runtime/platform.h"

namespace bf::x86::apic {

namespace {

// Numbers of registers, as table 11-6 has them for the x2APIC; in memory each takes 16 bytes.
enum Register : u32 {
  kId = 0x02,
  kVersion = 0x03,
  kTaskPriority = 0x08,
  kEndOfInterrupt = 0x0b,
  kSpurious = 0x0f,
  kInService = 0x10,    // eight of 32 vectors each
  kCommand = 0x30,      // of the x2APIC it has 64 bits
  kCommandHigh = 0x31,  // of the xAPIC alone
  kTimer = 0x32,
  kThermal = 0x33,
  kCounters = 0x34,
  kLint0 = 0x35,
  kLint1 = 0x36,
  kError = 0x37,
  kTimerStart = 0x38,
  kTimerNow = 0x39,
  kTimerDivider = 0x3e,
};
constexpr u32 kMsrApicBase = 0x1b, kMsrX2ApicFirst = 0x800, kMsrDeadline = 0x6e0;
constexpr u64 kBaseX2Apic = 1 << 10, kBaseEnabled = 1 << 11;
constexpr u64 kBaseAddress = 0x000f'ffff'ffff'f000;
constexpr u32 kSoftwareEnabled = 1 << 8, kMasked = 1 << 16, kSendPending = 1 << 12;
constexpr u32 kTimerDeadlineMode = 2 << 17;
constexpr u32 kDivideBy16 = 3;
// Delivery modes and levels of the command register (figure 11-12).
constexpr u32 kFixed = 0 << 8, kNmi = 4 << 8, kInit = 5 << 8, kStartUp = 6 << 8, kAssert = 1 << 14;

bool on = false, x2 = false, has_deadline = false;
volatile u32* registers = nullptr;
u64 timer_hertz = 0;  // after the divider

u32 read(Register which) {
  return x2 ? static_cast<u32>(read_msr(kMsrX2ApicFirst + which)) : registers[which * 4];
}

void write(Register which, u32 value) {
  if (x2) write_msr(kMsrX2ApicFirst + which, value);
  else registers[which * 4] = value;
}

// What was stored before must be seen by the core that the command goes to: writing the x2APIC's
// registers orders nothing (11.12.3).
void command(u32 apic_id, u32 low) {
  if (x2) {
    asm volatile("mfence; lfence" : : : "memory");
    return write_msr(kMsrX2ApicFirst + kCommand, u64{apic_id} << 32 | low);
  }
  // An interrupt in between would send one of its own; an NMI leaves the first half as it was.
  const u64 flags = disable_interrupts();
  while ((read(kCommand) & kSendPending) != 0) __builtin_ia32_pause();
  const u32 before = read(kCommandHigh);
  write(kCommandHigh, apic_id << 24);
  write(kCommand, low);
  while ((read(kCommand) & kSendPending) != 0) __builtin_ia32_pause();
  write(kCommandHigh, before);
  restore_interrupts(flags);
}

void enable() {
  const u64 base = read_msr(kMsrApicBase) | kBaseEnabled;
  write_msr(kMsrApicBase, base);  // first so, then as an x2APIC (figure 11-27)
  if (x2) write_msr(kMsrApicBase, base | kBaseX2Apic);
  const u32 entries = (read(kVersion) >> 16 & 0xff) + 1;
  write(kTimer, kMasked);
  write(kTimerDivider, kDivideBy16);
  if (entries >= 6) write(kThermal, kMasked);
  if (entries >= 5) write(kCounters, kMasked);
  write(kLint0, kMasked);
  write(kError, kMasked);
  write(kTaskPriority, 0);
  write(kSpurious, kSoftwareEnabled | kSpuriousVector);
}

// Against the time stamp counter, in a millisecond.
void measure_timer() {
  constexpr u32 kMost = 0xffffffff;
  write(kTimer, kMasked | kTimerVector);
  write(kTimerStart, kMost);
  const u64 start = platform::ticks();
  const u64 wait = platform::ticks_per_second() / 10'000;
  while (platform::ticks() - start < wait) __builtin_ia32_pause();
  const u64 counts = kMost - read(kTimerNow);
  const u64 ticks = platform::ticks() - start;
  write(kTimerStart, 0);
  timer_hertz = counts * (platform::ticks_per_second() / 10'000) / ticks * 10'000;
  if (timer_hertz < 1'000'000) timer_hertz = 1'000'000;  // waits that are too short do no harm
}

}  // namespace

Result<void> start() {
  const Cpuid features = cpuid(1);
  constexpr u32 kHasApic = 1 << 9, kHasX2Apic = 1 << 21, kHasDeadline = 1 << 24;
  if ((features.edx & kHasApic) == 0) return Error::format("the processor has no local APIC");
  x2 = (features.ecx & kHasX2Apic) != 0;
  has_deadline = (features.ecx & kHasDeadline) != 0;
  if (!x2) {
    const u64 address = read_msr(kMsrApicBase) & kBaseAddress;
    registers = reinterpret_cast<volatile u32*>(map_device(address, platform::kPageBytes));
    if (registers == nullptr) return Error::format("the local APIC at %#lx cannot be mapped", address);
  }
  enable();
  on = true;
  return {};
}

void start_core() {
  enable();
  write(kLint1, kMasked);
}

bool is_on() {
  return on;
}

bool is_x2apic() {
  return x2;
}

u32 id() {
  return x2 ? read(kId) : read(kId) >> 24;
}

void end_of_interrupt() {
  write(kEndOfInterrupt, 0);
}

bool in_service() {
  u32 any = 0;
  for (u32 i = 0; i < 8; ++i) any |= read(static_cast<Register>(kInService + i));
  return any != 0;
}

void send(u32 apic_id, u8 vector) {
  command(apic_id, kFixed | kAssert | vector);
}

void send_nmi(u32 apic_id) {
  command(apic_id, kNmi | kAssert);
}

void send_init(u32 apic_id) {
  command(apic_id, kInit | kAssert);
}

void send_start(u32 apic_id, u64 page) {
  command(apic_id, kStartUp | kAssert | static_cast<u32>(page >> 12));
}

void start_timer(u64 nanoseconds) {
  if (has_deadline) {
    write(kTimer, kTimerDeadlineMode | kTimerVector);
    asm volatile("mfence" : : : "memory");  // 11.5.4.1
    return write_msr(kMsrDeadline, platform::ticks() +
                                       nanoseconds / 1000 * (platform::ticks_per_second() / 1'000'000));
  }
  if (timer_hertz == 0) measure_timer();
  const u64 counts = nanoseconds / 1000 * timer_hertz / 1'000'000;
  write(kTimer, kTimerVector);
  write(kTimerStart, counts < 1 ? 1 : counts > ~u32{0} ? ~u32{0} : static_cast<u32>(counts));
}

void stop_timer() {
  if (has_deadline) write_msr(kMsrDeadline, 0);
  else write(kTimerStart, 0);
  write(kTimer, kMasked);
}

void let_counters_interrupt() {
  write(kCounters, kCounterVector);
}

const char* timer_mode() {
  return has_deadline ? "deadline" : "one-shot";
}

}  // namespace bf::x86::apic
