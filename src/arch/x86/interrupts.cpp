#include "arch/x86/interrupts.h"

#include <cstring>

#include "arch/x86/apic.h"
#include "arch/x86/exceptions.h"
#include "arch/x86/pmu.h"
#include "arch/x86/smp.h"
#include "arch/x86/streams.h"

// Calls function() on another stack, and comes back.
extern "C" void bf_call_on_stack(bf::u64 stack_pointer, void (*function)());

namespace bf::x86 {

namespace {

void (*call_hook)() = nullptr;

// The hook looks for addresses on the interrupted stack: so all registers go there, too, below what
// functions without a stack frame may keep under the stack pointer.
void run_call_hook(const ExceptionFrame& frame) {
  constexpr u64 kRedZoneBytes = 128;
  const u64 copy = (frame.rsp - kRedZoneBytes - sizeof frame) & ~u64{15};
  std::memcpy(reinterpret_cast<void*>(copy), &frame, sizeof frame);
  bf_call_on_stack(copy, call_hook);
}

}  // namespace

void set_call_hook(void (*hook)()) {
  call_hook = hook;
}

// Called by interrupt_entry.S, with interrupts off.
extern "C" void bf_interrupt(const ExceptionFrame* frame) {
  if (frame->vector == kSpuriousVector) return;
  apic::end_of_interrupt();
  if (frame->vector == kFlushVector) flush_this_core();
  if (frame->vector == kTimerVector) on_timer();
  if (frame->vector == kDeviceVector) on_device();
  if (frame->vector == kCounterVector) pmu::on_overflow(frame->rip);
  if (frame->vector == kCallVector && call_hook != nullptr) run_call_hook(*frame);
}

// What firmware has left pending, a line of the old interrupt controller: as long as it has not been ended,
// nothing of its priority or a lower one gets through.
extern "C" void bf_end_unknown_interrupt(const ExceptionFrame*) {
  if (apic::is_on() && apic::in_service()) apic::end_of_interrupt();
}

}  // namespace bf::x86
