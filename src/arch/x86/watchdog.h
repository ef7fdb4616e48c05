// The watchdog, with the option `watchdog=SECONDS`: where the program does not get on for so long (it
// writes nothing, asks for nothing, begins no piece of work: runtime/progress.h), that is reported like
// a fault, with what each core is doing, and the machine ends like after one.
//
// The old timer of the PC interrupts the first core 18 times a second in a way that cannot be masked
// (Intel SDM volume 3, 6.7). Who waits for input is alive.
#pragma once

#include "runtime/base.h"

namespace bf::x86 {

// Where there is no I/O APIC there is no watchdog, and the log says so. A wrong option is an error.
[[nodiscard]] Result<void> start_watchdog();
// The machine is about to end: from now on it is patient.
void stop_watchdog();

enum class Watched : u8 { NotWatched, Alive, Wedged };
// What it is to the watchdog that an interrupt which cannot be masked has come.
Watched watchdog_looks();
u32 watchdog_seconds();

}  // namespace bf::x86
