// The machine's own PCI buses: configuration space in memory where ACPI says where (MCFG), through
// ports 0xCF8 and 0xCFC otherwise.
//
//   for (const pci::Function& f : pci::functions()) ...
//   u8* registers = pci::map_registers(f, 5, bytes);
#pragma once

#include "arch/x86/pci.h"

namespace bf::x86::pci {

// Everything on the buses, found at the first call. Not for several cores at once.
std::span<const Function> functions();
Config& config();

// Memory of a base address register, mapped and not cached; null, with a line in the log, where
// that cannot be, or where it has less than `least_bytes`. Switches decoding and bus mastering on.
u8* map_registers(const Function& function, u32 bar, usize least_bytes);

}  // namespace bf::x86::pci
