// The other cores: finding them, starting them, telling them something.
#pragma once

#include <span>

#include "arch/x86/core.h"

namespace bf::x86 {

// Finds the machine's cores by ACPI and starts them, one after the other; each waits for tasks from
// then on (core.h). A core that does not answer is left out, and the log says so. Without a local
// APIC or ACPI's table there is one core, which is logged, too. Options: `cores`, `threads`, `idle`; wrong
// ones are errors.
Result<void> start_cores();

// Ends the sleep of a core that has been asleep; who calls it has set Core::asleep to 0.
void rouse(const Core& core);
// Where a core sleeps: interrupts are off, and on when it returns. It does so when asleep is set to 0
// and rouse() called, or for any other interrupt.
void rest_core(Core& core);

// Runs the interrupt hook on a core, on its stack.
void call_core(const Core& core);

// Returns when no other core remembers anything of the page tables as they were before.
void flush_other_cores();
void flush_this_core();

// Stops all other cores for good, whatever they are doing: the machine is about to end, and what
// they hold is nobody's from now on. Waits a moment for each to be still.
void stop_other_cores();
// For the handler of non-maskable interrupts: does not return if this one came to stop the core.
void stop_if_asked();

}  // namespace bf::x86
