// The local APIC of each core: interrupts from core to core, and a timer. Through MSRs where the
// processor has an x2APIC, else through its registers in memory (Intel SDM volume 3, chapter 11).
#pragma once

#include "runtime/base.h"

namespace bf::x86::apic {

// On the first core: finds the APIC and switches it on. An error says why there is none to use.
Result<void> start();
// The same on every other core.
void start_core();

// Whether start() has succeeded.
bool is_on();
bool is_x2apic();

// Of the calling core.
u32 id();

void end_of_interrupt();
// Whether this core is inside an interrupt that has not been ended.
bool in_service();
void send(u32 apic_id, u8 vector);
void send_nmi(u32 apic_id);
// The two steps that start a core: it waits from the first on, and comes with the second, in real
// mode, at the start of a page below 1 MiB.
void send_init(u32 apic_id);
void send_start(u32 apic_id, u64 page);

// Interrupts the calling core once, with vectors.h's kTimerVector; stop_timer() takes it back.
void start_timer(u64 nanoseconds);
void stop_timer();
// Lets the core's performance counters interrupt it, once, with kCounterVector.
void let_counters_interrupt();
// "deadline" or "one-shot".
const char* timer_mode();

}  // namespace bf::x86::apic
