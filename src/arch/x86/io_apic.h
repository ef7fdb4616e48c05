// The I/O APICs, which take the place of the two 8259's: every input is masked, but for the few that
// wake the first core (82093AA data sheet).
#pragma once

#include "arch/x86/madt.h"

namespace bf::x86::io_apic {

// Masks all inputs.
void start(const acpi::Madt& madt);

// Lets a line of the PC (4: COM1 and COM3, 1: the keyboard) interrupt a core. False if no I/O APIC
// has it.
bool route(u32 isa_line, u32 apic_id, u8 vector);

// The same for an interrupt that cannot be masked.
bool route_unmaskable(u32 isa_line, u32 apic_id);

}  // namespace bf::x86::io_apic
