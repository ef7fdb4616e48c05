#include "arch/x86/acpi.h"

#include <cstring>

namespace bf::x86::acpi {

namespace {

// Section numbers: ACPI specification 6.5.
constexpr usize kHeaderBytes = 36;                // 5.2.6
constexpr usize kMaxTableBytes = usize{4} << 20;  // the largest DSDTs have some hundred KiB

struct Memory {
  View view;
  void* context;
};

template <class T>
T read(std::span<const u8> bytes, usize at) {
  T value = 0;
  if (at <= bytes.size() && bytes.size() - at >= sizeof value)
    std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;  // 0 where the table is too short, as fields of older versions are
}

bool sums_to_zero(std::span<const u8> bytes) {
  u8 sum = 0;
  for (const u8 b : bytes) sum = static_cast<u8>(sum + b);
  return sum == 0;
}

bool starts_with(std::span<const u8> bytes, const char* signature, usize count) {
  return bytes.size() >= count && std::memcmp(bytes.data(), signature, count) == 0;
}

// A whole table with a right checksum.
Result<std::span<const u8>> table_at(const Memory& memory, u64 address) {
  const auto header = memory.view(memory.context, address, kHeaderBytes);
  if (header.size() < kHeaderBytes) return Error::format("no ACPI table at %#lx", address);
  const u32 bytes = read<u32>(header, 4);
  if (bytes < kHeaderBytes || bytes > kMaxTableBytes)
    return Error::format("the ACPI table at %#lx says it has %u bytes", address, bytes);
  const auto table = memory.view(memory.context, address, bytes);
  if (table.size() < bytes) return Error::format("the ACPI table at %#lx is cut", address);
  if (!sums_to_zero(table))
    return Error::format("the ACPI table at %#lx has a wrong checksum", address);
  return table;
}

struct Root {
  u64 address;
  usize entry_bytes;  // of the table's list of addresses
};

// 5.2.5.3: version 1 has 20 bytes, later ones 36.
Result<Root> read_root_pointer(std::span<const u8> rsdp) {
  constexpr usize kBytes1 = 20, kBytes2 = 36;
  if (rsdp.size() < kBytes1 || !starts_with(rsdp, "RSD PTR ", 8) ||
      !sums_to_zero(rsdp.first(kBytes1)))
    return Error::format("the ACPI root pointer is damaged");
  const u64 extended = read<u64>(rsdp, 24);
  const bool has_extended =
      rsdp[15] >= 2 && rsdp.size() >= kBytes2 && extended != 0 && sums_to_zero(rsdp.first(kBytes2));
  if (has_extended) return Root{extended, 8};
  return Root{read<u32>(rsdp, 16), 4};
}

Result<std::span<const u8>> find_table(const Memory& memory, const Root& root, const char* name) {
  auto list = table_at(memory, root.address);
  if (!list) return list.error();
  for (usize at = kHeaderBytes; list->size() - at >= root.entry_bytes; at += root.entry_bytes) {
    const u64 address = root.entry_bytes == 8 ? read<u64>(*list, at) : read<u32>(*list, at);
    const auto header = memory.view(memory.context, address, kHeaderBytes);
    if (header.size() >= kHeaderBytes && starts_with(header, name, 4))
      return table_at(memory, address);
  }
  return Error::format("there is no ACPI table %s", name);
}

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
  u64 port = read<u32>(fadt, plain);
  if (port == 0 && read<u8>(fadt, generic) == kSystemIo) port = read<u64>(fadt, generic + 4);
  return port <= 0xffff ? static_cast<u16>(port) : 0;
}

void read_reset(std::span<const u8> fadt, PowerControl& power) {
  constexpr u8 kSystemIo = 1;
  if ((read<u32>(fadt, kFlags) & kResetSupported) == 0) return;
  const u64 port = read<u64>(fadt, kResetRegister + 4);
  if (read<u8>(fadt, kResetRegister) != kSystemIo || port > 0xffff) return;
  power.reset_port = static_cast<u16>(port);
  power.reset_value = read<u8>(fadt, kResetValue);
}

}  // namespace

Result<PowerControl> find_power_control(std::span<const u8> root_pointer, View view,
                                        void* context) {
  const Memory memory = {view, context};
  auto root = read_root_pointer(root_pointer);
  if (!root) return root.error();
  auto fadt = find_table(memory, *root, "FACP");
  if (!fadt) return fadt.error();
  if ((read<u32>(*fadt, kFlags) & kHardwareReduced) != 0)
    return Error::format("this machine has no PM1 registers (hardware-reduced ACPI)");

  PowerControl power;
  read_reset(*fadt, power);
  power.pm1a_control = port_of(*fadt, kPm1a, kExtendedPm1a);
  power.pm1b_control = port_of(*fadt, kPm1b, kExtendedPm1b);
  const u32 smi_command = read<u32>(*fadt, kSmiCommand);
  power.smi_command = smi_command <= 0xffff ? static_cast<u16>(smi_command) : 0;
  power.acpi_enable = read<u8>(*fadt, kAcpiEnable);
  if (power.pm1a_control == 0) return Error::format("ACPI's FADT names no PM1a control register");

  const u64 extended_dsdt = read<u64>(*fadt, kExtendedDsdt);
  auto dsdt = table_at(memory, extended_dsdt != 0 ? extended_dsdt : read<u32>(*fadt, kDsdt));
  if (!dsdt) return dsdt.error();
  if (!find_sleep_types(dsdt->subspan(kHeaderBytes), power))
    return Error::format("ACPI's DSDT has no \\_S5");
  return power;
}

}  // namespace bf::x86::acpi
