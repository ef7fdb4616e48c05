#include "arch/x86/exceptions.h"

#include <atomic>

#include "arch/x86/backtrace.h"
#include "arch/x86/gdb/server.h"
#include "arch/x86/gdt.h"
#include "arch/x86/interrupts.h"
#include "arch/x86/last_lines.h"
#include "arch/x86/port_io.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"
#include "arch/x86/registers.h"
#include "arch/x86/smp.h"
#include "arch/x86/stacks.h"
#include "arch/x86/streams.h"
#include "arch/x86/watchdog.h"
#include "runtime/platform.h"

extern "C" {
extern const bf::u64 bf_exception_entries[];
// Pairs of a vector and its entry point, to the first 0.
extern const bf::u64 bf_interrupt_entries[][2];
extern const bf::u8 bf_unknown_interrupt[];
}

namespace bf::x86 {

namespace {

struct Exception {
  u32 vector;
  const char* name;
  InterruptStack stack;
};
constexpr Exception kExceptions[] = {
#define BF_EXCEPTION(vector, name, error_code, stack) {vector, name, InterruptStack::stack},
#include "arch/x86/exceptions.def"
#undef BF_EXCEPTION
};
constexpr u32 kExceptionCount = sizeof kExceptions / sizeof kExceptions[0];

constexpr bool in_order() {
  for (u32 i = 0; i < kExceptionCount; ++i)
    if (kExceptions[i].vector != i) return false;
  return kExceptionCount == 32;
}
static_assert(in_order(), "exceptions.def lists all 32 vectors in order");

// Intel SDM volume 3, 6.14.1.
struct [[gnu::packed]] Gate {
  u16 offset_low;
  u16 selector;
  u8 stack;
  u8 type;
  u16 offset_middle;
  u32 offset_high;
  u32 reserved;
};
static_assert(sizeof(Gate) == 16);
constexpr u8 kPresentInterruptGate = 0x8e;

constexpr u32 kVectors = 256;
Gate table[kVectors];

constexpr u32 kNonMaskable = 2, kInvalidOpcode = 6, kPageFault = 14;
// Page-fault error code (Intel SDM volume 3, 4.7).
constexpr u64 kFaultOnProtection = 1, kFaultOnWrite = 2, kFaultOnFetch = 16;

void print_registers(const ExceptionFrame& f) {
  const struct {
    const char* name;
    u64 value;
  } registers[] = {{"rax", f.rax}, {"rbx", f.rbx}, {"rcx", f.rcx},   {"rdx", f.rdx}, {"rsi", f.rsi},
                   {"rdi", f.rdi}, {"rbp", f.rbp}, {"rsp", f.rsp},   {"r8 ", f.r8},  {"r9 ", f.r9},
                   {"r10", f.r10}, {"r11", f.r11}, {"r12", f.r12},   {"r13", f.r13}, {"r14", f.r14},
                   {"r15", f.r15}, {"rip", f.rip}, {"flg", f.rflags}};
  int column = 0;
  for (const auto& r : registers)
    print("%s%s %016lx", column == 0 ? "  " : "  ", r.name, r.value),
        print(++column % 4 ? "" : "\n");
  print("\n  cr2 %016lx  cr3 %016lx  cr0 %08lx  cr4 %08lx\n", read_cr2(), read_cr3(), read_cr0(),
        read_cr4());
}

void print_page_fault(const ExceptionFrame& f) {
  const u64 address = read_cr2();
  const char* access = f.error_code & kFaultOnFetch   ? "execution"
                       : f.error_code & kFaultOnWrite ? "write"
                                                      : "read";
  print("%s of address %#lx: %s\n", access, address,
        (f.error_code & kFaultOnProtection) != 0 ? "not allowed there" : "nothing is mapped there");
  if (is_stack_guard(address))
    print("stack overflow: the guard page below a stack was hit\n");
  else if (address < platform::kPageBytes)
    print("a null pointer was used\n");
}

bool is_panic(const ExceptionFrame& f) {
  return f.vector == kInvalidOpcode && f.rip == reinterpret_cast<u64>(&bf_panic_trap);
}

// As if the caller of panic() had trapped itself: one byte before where it would go on.
ExceptionFrame caller_of_panic(const ExceptionFrame& f) {
  const auto* const words = reinterpret_cast<const u64*>(f.rcx);
  ExceptionFrame caller = f;
  caller.rbp = words[0];
  caller.rip = words[1] - 1;
  caller.rsp = f.rcx + 2 * sizeof(u64);
  return caller;
}

using Cause = FaultReport::Cause;

Cause cause_of(const ExceptionFrame& f) {
  if (f.vector == kNonMaskable && watchdog_looks() == Watched::Wedged) return Cause::Watchdog;
  return is_panic(f) ? Cause::Panic : Cause::Exception;
}

void print_cause(const ExceptionFrame& f, Cause cause) {
  const Exception& e = kExceptions[f.vector % kExceptionCount];
  if (cause == Cause::Watchdog)
    print("\nwatchdog: for %u s nothing has got on; this core is at %#lx\n", watchdog_seconds(),
          f.rip);
  else if (cause == Cause::Panic)
    print("\npanic: %s (%s:%d)\n", reinterpret_cast<const char*>(f.rdx),
          reinterpret_cast<const char*>(f.rdi), static_cast<int>(f.rsi));
  else
    print("\nfault: %s (vector %u, error code %#lx) at %#lx\n", e.name, e.vector, f.error_code,
          f.rip);
  if (online_cores() > 1) print("on core %u\n", this_core().index);
  if (f.vector == kPageFault) print_page_fault(f);
}

// What the other cores were doing when they were stopped.
ExceptionFrame stopped_at[kMostCores];

void print_other_cores() {
  for (u32 i = 0; i < online_cores(); ++i) {
    const ExceptionFrame& at = stopped_at[core_at(i).index];
    if (&core_at(i) == &this_core() || at.rip == 0) continue;
    print("core %u, at the same time: ", i);
    print_backtrace(at);
  }
}

// Whether nothing is wrong.
bool is_a_look(const ExceptionFrame& frame) {
  stopped_at[this_core().index] = frame;
  stop_if_asked();
  return watchdog_looks() == Watched::Alive;
}

void (*report_hook)(const FaultReport&) = nullptr;
void (*goes_on_at)() = nullptr;
std::atomic<u32> reporter{0};  // its index, and one

[[noreturn]] void go_on() {
  void (*const where)() = goes_on_at;
  goes_on_at = nullptr;
  forget_report();
  reporter.store(0);
  where();
  BF_UNREACHABLE("there is nothing to come back to");
}

extern "C" void bf_exception(ExceptionFrame* frame) {
  if (frame->vector == kNonMaskable) {
    if (gdb::takes_non_maskable(*frame) || is_a_look(*frame)) return;
  } else if (gdb::takes_exception(*frame, is_panic(*frame))) {
    return;
  }
  if (!begin_report()) {
    // Printing itself failed: no more of it than one line.
    print("\nfault while reporting a fault: vector %lu at %#lx\n", frame->vector, frame->rip);
    end_after_fault(kFaultStatus);
  }
  const Cause cause = cause_of(*frame);
  print_cause(*frame, cause);
  stop_watchdog();
  const ExceptionFrame where = cause == Cause::Panic ? caller_of_panic(*frame) : *frame;
  print_registers(where);
  print_backtrace(where);
  if (frame->vector == kNonMaskable) print_other_cores();
  print_last_lines();
  if (report_hook != nullptr) report_hook({cause, where, report_text()});
  if (goes_on_at != nullptr) go_on();
  end_after_fault(cause == Cause::Panic ? kPanicStatus : kFaultStatus);
}

}  // namespace

bool begin_report() {
  const u32 me = this_core().index + 1;
  u32 first = 0;
  if (!reporter.compare_exchange_strong(first, me)) {
    while (first != me) __builtin_ia32_pause();
    return false;
  }
  stop_other_cores();
  hold_last_lines();
  begin_emergency_output();
  return true;
}

void set_report_hook(void (*hook)(const FaultReport&)) {
  report_hook = hook;
}

void go_on_after_report(void (*where)()) {
  goes_on_at = where;
}

void start_exceptions() {
  const auto set = [](u64 vector, u64 entry, InterruptStack stack) {
    table[vector] = {static_cast<u16>(entry),
                     kCodeSelector,
                     static_cast<u8>(stack),
                     kPresentInterruptGate,
                     static_cast<u16>(entry >> 16),
                     static_cast<u32>(entry >> 32),
                     0};
  };
  for (u32 vector = kExceptionCount; vector < kVectors; ++vector)
    set(vector, reinterpret_cast<u64>(bf_unknown_interrupt), InterruptStack::Interrupt);
  for (const Exception& e : kExceptions) set(e.vector, bf_exception_entries[e.vector], e.stack);
  for (const auto* i = bf_interrupt_entries; (*i)[0] != 0; ++i)
    set((*i)[0], (*i)[1], InterruptStack::Interrupt);
  load_exceptions();
}

void load_exceptions() {
  const struct [[gnu::packed]] {
    u16 limit;
    u64 base;
  } pointer = {sizeof table - 1, reinterpret_cast<u64>(table)};
  asm volatile("lidt %0" : : "m"(pointer));
}

void mask_interrupt_controllers() {
  // The 8259's: remapped first, so that a spurious interrupt is not taken for an exception
  // (Intel 8259A data sheet, initialization command words).
  constexpr u16 kFirst = 0x20, kSecond = 0xa0;
  for (const u16 port : {kFirst, kSecond}) {
    out8(port, 0x11);                              // ICW1: edge, cascade, ICW4 follows
    out8(port + 1, port == kFirst ? 0x20 : 0x28);  // ICW2: vectors from 32 and 40
    out8(port + 1, port == kFirst ? 0x04 : 0x02);  // ICW3: the second hangs on line 2
    out8(port + 1, 0x01);                          // ICW4: 8086 mode
    out8(port + 1, 0xff);                          // all lines masked
  }
}

}  // namespace bf::x86
