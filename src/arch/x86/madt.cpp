#include "arch/x86/madt.h"

#include "arch/x86/acpi_tables.h"

namespace bf::x86::acpi {

namespace {

// Table 5.21: types of the structures that follow the flags, and what lies where in them.
enum Type : u8 {
  kLocalApic = 0,
  kIoApic = 1,
  kSourceOverride = 2,
  kAddressOverride = 5,
  kLocalX2Apic = 9,
};
constexpr usize kLocalAddress = 36, kStructures = 44;
constexpr usize kStructureHeaderBytes = 2;  // type, length

void add_core(Madt& madt, u32 id, u32 flags) {
  constexpr u32 kEnabled = 1;
  if ((flags & kEnabled) == 0) {
    ++madt.cores_disabled;
    return;
  }
  for (const u32 known : madt.cores())
    if (known == id) return;  // some firmware lists a core in both ways
  if (madt.core_count == Madt::kMostCores) ++madt.cores_dropped;
  else madt.apic_ids[madt.core_count++] = id;
}

void add_local_apic(Madt& madt, std::span<const u8> body) {
  constexpr u32 kNobody = 0xff;  // where x2APIC structures say more
  if (body.size() >= 8 && body[3] != kNobody) add_core(madt, body[3], field<u32>(body, 4));
}

void add_local_x2apic(Madt& madt, std::span<const u8> body) {
  if (body.size() >= 12) add_core(madt, field<u32>(body, 4), field<u32>(body, 8));
}

void add_io_apic(Madt& madt, std::span<const u8> body) {
  if (body.size() < 12 || madt.io_apic_count == Madt::kMostIoApics) return;
  madt.io_apics[madt.io_apic_count++] = {field<u32>(body, 4), field<u32>(body, 8)};
}

// Flags: table 5.26.
void move_line(Madt& madt, std::span<const u8> body) {
  constexpr u32 kLow = 3, kLevel = 3;
  if (body.size() < 10 || body[2] != 0 || body[3] >= Madt::kIsaLines) return;
  const u32 flags = field<u16>(body, 8);
  madt.isa_lines[body[3]] = {field<u32>(body, 4), (flags & 3) == kLow, (flags >> 2 & 3) == kLevel};
}

void read_structure(Madt& madt, std::span<const u8> body) {
  switch (body[0]) {
    case kLocalApic:
      return add_local_apic(madt, body);
    case kLocalX2Apic:
      return add_local_x2apic(madt, body);
    case kIoApic:
      return add_io_apic(madt, body);
    case kSourceOverride:
      return move_line(madt, body);
    case kAddressOverride:
      if (body.size() >= 12) madt.local_apic = field<u64>(body, 4);
      return;
    default:
      return;
  }
}

}  // namespace

Result<Madt> read_madt(std::span<const u8> table) {
  if (table.size() < kStructures)
    return Error::format("the ACPI table of cores has only %lu bytes", table.size());
  Madt madt;
  madt.local_apic = field<u32>(table, kLocalAddress);
  for (u32 i = 0; i < Madt::kIsaLines; ++i) madt.isa_lines[i] = {i, false, false};
  for (usize at = kStructures; table.size() - at >= kStructureHeaderBytes;) {
    const usize bytes = table[at + 1];
    if (bytes < kStructureHeaderBytes || bytes > table.size() - at)
      return Error::format("the ACPI table of cores has a structure of %lu bytes at %lu", bytes, at);
    read_structure(madt, table.subspan(at, bytes));
    at += bytes;
  }
  return madt;
}

}  // namespace bf::x86::acpi
