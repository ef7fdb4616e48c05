// The end of the machine: the exit port of an emulator, power-off by ACPI, or a halt.
//
// The exit port is QEMU's isa-debug-exit (option `exit-port`): a write of `value` ends QEMU with
// status value * 2 + 1. BareFlow writes its own status plus one, so that neither 1 (QEMU failed)
// nor 0 (the machine was switched off or reset) can be taken for a status of the program; the port
// has room for statuses up to 125, and 127 - 1 = 126 stands for all that are larger.
#pragma once

#include <span>

#include "arch/x86/acpi.h"

namespace bf::x86 {

// Keeps the ACPI root pointer (a copy of the structure) for the power-off.
void set_acpi_root_pointer(std::span<const u8> bytes);

// A table of ACPI, by its signature of four letters.
Result<std::span<const u8>> find_acpi_table(const char* signature);
// What ACPI says about timers.
acpi::Timers find_timers();

// The machine starts again.
[[noreturn]] void restart();

// The end of a machine that has failed, after its report: as the option `on-fault` says, or else that
// of platform::exit.
[[noreturn]] void end_after_fault(i32 status);
// Whether `on-fault` is something that can be done.
[[nodiscard]] Result<void> check_end_after_fault();

}  // namespace bf::x86
