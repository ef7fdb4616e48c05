#include "arch/x86/io_apic.h"

#include "arch/x86/memory.h"
#include "runtime/platform.h"

namespace bf::x86::io_apic {

namespace {

// Registers are reached through a window: data sheet, 3.1 and 3.2.
constexpr u32 kSelect = 0, kWindow = 4;  // in words
constexpr u8 kVersion = 1, kFirstEntry = 0x10;
constexpr u32 kMasked = 1 << 16, kLevel = 1 << 15, kActiveLow = 1 << 13;

struct Controller {
  volatile u32* registers;
  u32 first_line, lines;

  u32 read(u32 which) const {
    registers[kSelect] = which;
    return registers[kWindow];
  }
  void write(u32 which, u32 value) const {
    registers[kSelect] = which;
    registers[kWindow] = value;
  }
};
Controller controllers[acpi::Madt::kMostIoApics];
u32 count = 0;
acpi::Madt::Line isa_lines[acpi::Madt::kIsaLines];

}  // namespace

void start(const acpi::Madt& madt) {
  for (u32 i = 0; i < acpi::Madt::kIsaLines; ++i) isa_lines[i] = madt.isa_lines[i];
  for (u32 i = 0; i < madt.io_apic_count; ++i) {
    auto* registers = map_device(madt.io_apics[i].address, platform::kPageBytes);
    if (registers == nullptr) continue;
    Controller& c = controllers[count++];
    c = {reinterpret_cast<volatile u32*>(registers), madt.io_apics[i].first_line, 0};
    c.lines = (c.read(kVersion) >> 16 & 0xff) + 1;
    for (u32 line = 0; line < c.lines; ++line) c.write(kFirstEntry + 2 * line, kMasked);
  }
}

namespace {

bool route_as(u32 isa_line, u32 apic_id, u32 what) {
  constexpr u32 kMostIds = 0xff;  // its entries have 8 bits for the core
  const acpi::Madt::Line line = isa_lines[isa_line];
  for (u32 i = 0; i < count; ++i) {
    const Controller& c = controllers[i];
    if (line.number < c.first_line || line.number - c.first_line >= c.lines) continue;
    if (apic_id >= kMostIds) return false;
    const u32 entry = kFirstEntry + 2 * (line.number - c.first_line);
    c.write(entry + 1, apic_id << 24);
    c.write(entry, what | (line.active_low ? kActiveLow : 0) | (line.level ? kLevel : 0));
    return true;
  }
  return false;
}

}  // namespace

bool route(u32 isa_line, u32 apic_id, u8 vector) {
  return route_as(isa_line, apic_id, vector);
}

bool route_unmaskable(u32 isa_line, u32 apic_id) {
  constexpr u32 kNonMaskable = 4 << 8;  // delivery mode
  return route_as(isa_line, apic_id, kNonMaskable);
}

}  // namespace bf::x86::io_apic
