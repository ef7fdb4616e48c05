// The Multiple APIC Description Table: which cores and interrupt controllers a machine has.
//
// A pure function over bytes, tested and fuzzed on the host: it never reads outside of the span,
// whatever the bytes say. ACPI specification 6.5, 5.2.12.
//
//   auto table = acpi::find_table(memory, root_pointer, "APIC");
//   auto madt = acpi::read_madt(*table);
#pragma once

#include <span>

#include "runtime/base.h"

namespace bf::x86::acpi {

struct Madt {
  static constexpr u32 kMostCores = 256, kMostIoApics = 8, kIsaLines = 16;

  struct IoApic {
    u64 address;
    u32 first_line;  // the machine's number of its first input
  };
  // Where a line of the old interrupt controllers has gone.
  struct Line {
    u32 number;
    bool active_low, level;
  };

  u64 local_apic = 0;  // address of the local APICs' registers
  // Of the cores that can be used; each once, in the table's order.
  u32 apic_ids[kMostCores];
  u32 core_count = 0;
  u32 cores_dropped = 0;   // that had no room in the list
  u32 cores_disabled = 0;  // that the firmware has switched off, or that may be plugged in later
  IoApic io_apics[kMostIoApics];
  u32 io_apic_count = 0;
  Line isa_lines[kIsaLines];

  std::span<const u32> cores() const { return {apic_ids, core_count}; }
};

// `table` is a whole table with its header.
Result<Madt> read_madt(std::span<const u8> table);

}  // namespace bf::x86::acpi
