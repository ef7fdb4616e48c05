// What is read of ACPI: how the machine is switched off and reset.
//
// Pure functions over a view of physical memory, so that they can be tested, and fuzzed, on a
// host. Tables come from the firmware: every length and checksum is looked at before it is used.
//
//   auto power = acpi::find_power_control(rsdp_copy, view, context);
//   if (power) out16(power->pm1a_control, ...);
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::x86::acpi {

// `bytes` bytes at a physical address, or an empty span where there is nothing to read.
using View = std::span<const u8> (*)(void* context, u64 address, usize bytes);

struct PowerControl {
  // Power-off (ACPI 6.5, 4.8.3.2.1): ports of the PM1 control registers (b is 0 where there is
  // none) and the values of SLP_TYP for the state S5.
  u16 pm1a_control = 0;
  u16 pm1b_control = 0;
  u8 sleep_type_a = 0;
  u8 sleep_type_b = 0;
  // How ACPI mode is switched on; port 0 where it always is.
  u16 smi_command = 0;
  u8 acpi_enable = 0;
  // Reset (4.8.3.6) by a port; 0 where there is none.
  u16 reset_port = 0;
  u8 reset_value = 0;
};

// Follows the root pointer (a copy of the RSDP structure) to the FADT and the DSDT's \_S5.
Result<PowerControl> find_power_control(std::span<const u8> root_pointer, View view, void* context);

}  // namespace bf::x86::acpi
