#include "arch/x86/pci_machine.h"

#include "arch/x86/memory.h"
#include "arch/x86/port_io.h"
#include "arch/x86/power.h"
#include "arch/x86/print.h"

namespace bf::x86::pci {

namespace {

// PCI Local Bus 3.0, 3.2.2.3.2: the first 256 bytes of segment 0.
class PortConfig final : public Config {
 public:
  u32 read(Address at, u16 offset) override {
    if (!select(at, offset)) return ~u32{0};
    return in32(kData);
  }
  void write(Address at, u16 offset, u32 value) override {
    if (select(at, offset)) out32(kData, value);
  }

 private:
  static constexpr u16 kAddress = 0xcf8, kData = 0xcfc;
  static bool select(Address at, u16 offset) {
    if (at.segment != 0 || offset > 0xff) return false;
    out32(kAddress, u32{1} << 31 | u32{at.bus} << 16 | u32{at.device} << 11 |
                        u32{at.function} << 8 | (offset & 0xfcu));
    return true;
  }
};

// A megabyte of memory for each bus; buses are mapped when they are first asked for.
class MemoryConfig final : public Config {
 public:
  explicit MemoryConfig(std::vector<Ecam>&& pieces)
      : pieces_(static_cast<std::vector<Ecam>&&>(pieces)) {}
  u32 read(Address at, u16 offset) override {
    const volatile u32* word = find(at, offset);
    return word == nullptr ? ~u32{0} : *word;
  }
  void write(Address at, u16 offset, u32 value) override {
    if (volatile u32* word = find(at, offset)) *word = value;
  }
  std::span<const Ecam> pieces() const { return pieces_; }

 private:
  static constexpr usize kFunctionBytes = 4096;
  volatile u32* find(Address at, u16 offset) {
    for (const Ecam& e : pieces_) {
      if (e.segment != at.segment || at.bus < e.first_bus || at.bus > e.last_bus) continue;
      const u64 place =
          e.address + (u64{at.bus} << 20 | u64{at.device} << 15 | u64{at.function} << 12);
      u8* registers = map_device(place, kFunctionBytes);
      if (registers == nullptr) return nullptr;
      return reinterpret_cast<volatile u32*>(registers + (offset & 0xffc));
    }
    return nullptr;
  }
  std::vector<Ecam> pieces_;
};

struct Buses {
  PortConfig ports;
  MemoryConfig* memory = nullptr;
  std::vector<Function> functions;
};
Buses* buses = nullptr;

// What ACPI says is believed if the first bridge looks the same both ways, or has no ports.
bool works(MemoryConfig& memory, PortConfig& ports) {
  const Address first = {};
  const u32 there = memory.read(first, kIds), port = ports.read(first, kIds);
  return there != ~u32{0} && (port == ~u32{0} || there == port);
}

void find_all() {
  buses = new Buses;
  if (auto table = find_acpi_table("MCFG"))
    if (auto pieces = read_mcfg(*table); !pieces.empty())
      buses->memory = new MemoryConfig(static_cast<std::vector<Ecam>&&>(pieces));
  if (buses->memory != nullptr && !works(*buses->memory, buses->ports)) buses->memory = nullptr;
  if (buses->memory == nullptr) {
    buses->functions = enumerate(buses->ports, 0, 0, 255);
  } else {
    for (const Ecam& e : buses->memory->pieces())
      for (const Function& f :
           enumerate(*buses->memory, e.segment, e.first_bus, e.last_bus, &buses->ports))
        buses->functions.push_back(f);
  }
  print("[pci] %lu functions (%s)\n", buses->functions.size(),
        buses->memory != nullptr ? "configuration in memory" : "ports 0xcf8 and 0xcfc");
}

}  // namespace

std::span<const Function> functions() {
  if (buses == nullptr) find_all();
  return buses->functions;
}

Config& config() {
  functions();
  if (buses->memory != nullptr) return *buses->memory;
  return buses->ports;
}

u8* map_registers(const Function& f, u32 index, usize least_bytes) {
  const Bar bar = read_bar(config(), f.at, index);
  const char* wrong = nullptr;
  u8* registers = nullptr;
  if (bar.ports || bar.bytes < least_bytes)
    wrong = "is not as expected";
  else if (bar.address == 0)
    wrong = "got no address from the firmware";
  else if (registers = map_device(bar.address, bar.bytes); registers == nullptr)
    wrong = "cannot be mapped";
  if (wrong != nullptr) {
    print("[pci] %02x:%02x.%x: memory %u (%lu bytes at %#lx) %s\n", f.at.bus, f.at.device,
          f.at.function, index, bar.bytes, bar.address, wrong);
    return nullptr;
  }
  enable_path(config(), functions(), f);
  enable(config(), f.at, kDecodeMemory | kBusMaster | kNoInterrupts);
  return registers;
}

}  // namespace bf::x86::pci
