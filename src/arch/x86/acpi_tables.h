// The way through ACPI's tables, and what every reader of one needs.
//
// Pure functions over a view of physical memory, so that they can be tested, and fuzzed, on a
// host. Tables come from the firmware: every length and checksum is looked at before it is used.
//
//   auto madt = acpi::find_table({view, context}, rsdp_copy, "APIC");
//   if (madt) ... acpi::field<u32>(*madt, 36) ...
#pragma once

#include <cstring>
#include <span>

#include "runtime/base.h"

namespace bf::x86::acpi {

// `bytes` bytes at a physical address, or an empty span where there is nothing to read.
using View = std::span<const u8> (*)(void* context, u64 address, usize bytes);

struct Memory {
  View view = nullptr;
  void* context = nullptr;
};

inline constexpr usize kHeaderBytes = 36;  // of every table: ACPI specification 6.5, 5.2.6

// A field of a table; 0 where the table is too short, as fields of older versions are.
template <class T>
T field(std::span<const u8> table, usize at) {
  T value = 0;
  if (at <= table.size() && table.size() - at >= sizeof value)
    std::memcpy(&value, table.data() + at, sizeof value);
  return value;
}

// The whole table at an address, with a right checksum.
Result<std::span<const u8>> table_at(const Memory& memory, u64 address);

// Follows the root pointer (a copy of the RSDP structure) to the first table with a signature of
// four letters.
Result<std::span<const u8>> find_table(const Memory& memory, std::span<const u8> root_pointer,
                                       const char* signature);

}  // namespace bf::x86::acpi
