// The interrupt descriptor table, and what happens on an exception: registers, the faulting
// address and a backtrace go to the log, and the machine ends with kFaultStatus. Nothing returns.
#pragma once

#include <string_view>

#include "runtime/base.h"

namespace bf::x86 {

inline constexpr i32 kFaultStatus = 70;   // EX_SOFTWARE of sysexits.h
inline constexpr i32 kPanicStatus = 134;  // as a process ended by abort()

// As entry_frame.h leaves it on the stack; the last six are the processor's
// (Intel SDM volume 3, 6.14.2).
struct ExceptionFrame {
  u64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
  u64 vector;
  u64 error_code;
  u64 rip, cs, rflags, rsp, ss;
};

// Makes the table and loads it. start_segments() must have run.
void start_exceptions();
// Loads it on another core.
void load_exceptions();

// What else is done with a report, once it has been printed: on the machine as the fault has left it,
// with the other cores stopped, so nothing may be waited for. A fault in there ends the machine.
struct FaultReport {
  enum class Cause : u8 { Exception, Panic, Watchdog } cause;
  const ExceptionFrame& where;
  std::string_view text;  // as it was printed
};
void set_report_hook(void (*hook)(const FaultReport& report));

// For tests: once the next report is through, the machine does not end, but goes on there.
void go_on_after_report(void (*where)());

// Whether the calling core is the first one to report a fault, and so the one that ends the machine.
// Another one waits here until it is stopped; the same one, in a fault of its report, gets false.
[[nodiscard]] bool begin_report();

// An instruction that is invalid for this very purpose: bf_exception knows it by its address. `frame`
// is that of panic(): its caller's frame pointer and where that goes on.
extern "C" [[noreturn]] void bf_panic_trap(const char* file, int line, const char* message,
                                           const void* frame);

// Masks both interrupt controllers: no device interrupts anybody.
void mask_interrupt_controllers();

}  // namespace bf::x86
