// What ACPI says about switching the machine off and resetting it, and about its timers.
//
//   auto power = acpi::find_power_control(rsdp_copy, view, context);
//   if (power) out16(power->pm1a_control, ...);
#pragma once

#include "arch/x86/acpi_tables.h"

namespace bf::x86::acpi {

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

// Where the timers are that the time stamp counter can be measured with, and the clock of CMOS.
struct Timers {
  u64 hpet = 0;           // address of its registers; 0: there is none
  u16 pm_timer_port = 0;  // 0: there is none
  bool pm_timer_has_32_bits = false;
  u8 century = 0;  // the register of CMOS that counts them; 0: there is none
};
Timers find_timers(std::span<const u8> root_pointer, View view, void* context);

}  // namespace bf::x86::acpi
