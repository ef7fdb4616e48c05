#include "arch/x86/acpi.h"

namespace bf::x86::acpi {

namespace {

// Section numbers: ACPI specification 6.5.

// 20.2.4: the length of a package, in the top two bits of its first byte how many more follow.
// Only the size of the encoding matters here.
usize package_length_bytes(u8 first) {
  return 1 + (first >> 6);
}

// An integer of AML (20.2.3); false if it is none.
bool read_integer(std::span<const u8> aml, usize& at, u8& value) {
  if (at >= aml.size()) return false;
  switch (aml[at]) {
    case 0x00:
      value = 0;
      at += 1;
      return true;  // ZeroOp
    case 0x01:
      value = 1;
      at += 1;
      return true;  // OneOp
    case 0xff:
      value = 0xff;
      at += 1;
      return true;  // OnesOp
    case 0x0a:      // BytePrefix
      if (aml.size() - at < 2) return false;
      value = aml[at + 1];
      at += 2;
      return true;
    case 0x0b:    // WordPrefix
    case 0x0c: {  // DWordPrefix
      const usize bytes = aml[at] == 0x0b ? 3 : 5;
      if (aml.size() - at < bytes) return false;
      value = aml[at + 1];
      at += bytes;
      return true;
    }
    default:
      return false;
  }
}

// Name (\_S5, Package (...) {type a, type b, ...}): 7.4.2 and, for the bytes, 20.2. Without an
// interpreter the name is searched for and what is around it checked.
bool find_sleep_types(std::span<const u8> aml, PowerControl& power) {
  constexpr u8 kNameOp = 0x08, kPackageOp = 0x12;
  for (usize at = 1; at + 4 < aml.size(); ++at) {
    if (aml[at] != '_' || std::memcmp(&aml[at], "_S5_", 4) != 0) continue;
    const bool named =
        aml[at - 1] == kNameOp || (at >= 2 && aml[at - 1] == '\\' && aml[at - 2] == kNameOp);
    if (!named || aml[at + 4] != kPackageOp || at + 5 >= aml.size()) continue;
    usize element = at + 5 + package_length_bytes(aml[at + 5]) + 1;  // and the count of elements
    if (!read_integer(aml, element, power.sleep_type_a)) continue;
    if (!read_integer(aml, element, power.sleep_type_b)) power.sleep_type_b = 0;
    return true;
  }
  return false;
}

// 5.2.9, table 5.9.
constexpr usize kDsdt = 40, kSmiCommand = 48, kAcpiEnable = 52, kPm1a = 64, kPm1b = 68;
constexpr usize kFlags = 112, kResetRegister = 116, kResetValue = 128, kExtendedDsdt = 140;
constexpr usize kExtendedPm1a = 172, kExtendedPm1b = 184;
constexpr u32 kResetSupported = 1 << 10, kHardwareReduced = 1 << 20;

// A register's port: the 32-bit field, or the generic address (5.2.3.2) where that is 0.
u16 port_of(std::span<const u8> fadt, usize plain, usize generic) {
  constexpr u8 kSystemIo = 1;
  u64 port = field<u32>(fadt, plain);
  if (port == 0 && field<u8>(fadt, generic) == kSystemIo) port = field<u64>(fadt, generic + 4);
  return port <= 0xffff ? static_cast<u16>(port) : 0;
}

void read_reset(std::span<const u8> fadt, PowerControl& power) {
  constexpr u8 kSystemIo = 1;
  if ((field<u32>(fadt, kFlags) & kResetSupported) == 0) return;
  const u64 port = field<u64>(fadt, kResetRegister + 4);
  if (field<u8>(fadt, kResetRegister) != kSystemIo || port > 0xffff) return;
  power.reset_port = static_cast<u16>(port);
  power.reset_value = field<u8>(fadt, kResetValue);
}

}  // namespace

Result<PowerControl> find_power_control(std::span<const u8> root_pointer, View view,
                                        void* context) {
  const Memory memory = {view, context};
  auto fadt = find_table(memory, root_pointer, "FACP");
  if (!fadt) return fadt.error();
  if ((field<u32>(*fadt, kFlags) & kHardwareReduced) != 0)
    return Error::format("this machine has no PM1 registers (hardware-reduced ACPI)");

  PowerControl power;
  read_reset(*fadt, power);
  power.pm1a_control = port_of(*fadt, kPm1a, kExtendedPm1a);
  power.pm1b_control = port_of(*fadt, kPm1b, kExtendedPm1b);
  const u32 smi_command = field<u32>(*fadt, kSmiCommand);
  power.smi_command = smi_command <= 0xffff ? static_cast<u16>(smi_command) : 0;
  power.acpi_enable = field<u8>(*fadt, kAcpiEnable);
  if (power.pm1a_control == 0) return Error::format("ACPI's FADT names no PM1a control register");

  const u64 extended_dsdt = field<u64>(*fadt, kExtendedDsdt);
  auto dsdt = table_at(memory, extended_dsdt != 0 ? extended_dsdt : field<u32>(*fadt, kDsdt));
  if (!dsdt) return dsdt.error();
  if (!find_sleep_types(dsdt->subspan(kHeaderBytes), power))
    return Error::format("ACPI's DSDT has no \\_S5");
  return power;
}

Timers find_timers(std::span<const u8> root_pointer, View view, void* context) {
  const Memory memory = {view, context};
  Timers timers;
  if (auto fadt = find_table(memory, root_pointer, "FACP")) {
    constexpr usize kPmTimer = 76, kExtendedPmTimer = 208, kCentury = 108;
    constexpr u32 kTimerHas32Bits = 1 << 8;
    const u32 flags = field<u32>(*fadt, kFlags);
    if ((flags & kHardwareReduced) == 0)
      timers.pm_timer_port = port_of(*fadt, kPmTimer, kExtendedPmTimer);
    timers.pm_timer_has_32_bits = (flags & kTimerHas32Bits) != 0;
    timers.century = field<u8>(*fadt, kCentury);
  }
  // IA-PC HPET specification 1.0a, 3.2.4: a generic address, in memory.
  constexpr usize kSpace = 40, kAddress = 44;
  if (auto hpet = find_table(memory, root_pointer, "HPET"); hpet && field<u8>(*hpet, kSpace) == 0)
    timers.hpet = field<u64>(*hpet, kAddress);
  return timers;
}

}  // namespace bf::x86::acpi
