// PCI: what lies on the buses, and where its registers are.
//
// Pure functions over an interface to configuration space, so that they are tested on a host;
// pci_machine.h has the machine's. Numbers: PCI Local Bus 3.0, chapter 6, and PCI Express Base 5.0,
// 7.5; MCFG: PCI Firmware 3.3, 4.1.2.
//
//   for (const pci::Function& f : pci::enumerate(config, 0, 0, 255))
//     if (f.is(0x01, 0x06, 0x01)) ... pci::read_bar(config, f.at, 5) ...     // an AHCI controller
#pragma once

#include <span>
#include <vector>

#include "runtime/base.h"

namespace bf::x86::pci {

struct Address {
  u16 segment = 0;
  u8 bus = 0;
  u8 device = 0;    // 0 to 31
  u8 function = 0;  // 0 to 7
  friend bool operator==(const Address&, const Address&) = default;
};

// Offsets in the configuration space of every function.
inline constexpr u16 kIds = 0x00, kCommand = 0x04, kClass = 0x08, kHeaderType = 0x0c, kBar0 = 0x10,
                     kBuses = 0x18, kCapabilities = 0x34;
// Bits of the command register.
inline constexpr u32 kDecodePorts = 1, kDecodeMemory = 2, kBusMaster = 4, kNoInterrupts = 1 << 10;

// Words at offsets that are multiples of four; ~0 where there is nothing.
class Config {
 public:
  virtual u32 read(Address at, u16 offset) = 0;
  virtual void write(Address at, u16 offset, u32 value) = 0;

 protected:
  ~Config() = default;
};

struct Function {
  Address at;
  Address bridge;  // that leads to its bus; Address{} (the first function of all): none
  u16 vendor = 0;
  u16 device = 0;
  u8 base_class = 0;
  u8 subclass = 0;
  u8 interface = 0;
  bool is(u8 base, u8 sub, u8 programming) const {
    return base_class == base && subclass == sub && interface == programming;
  }
};

// All functions behind the first bus of a segment, across bridges; each bus is looked at once,
// whatever the bridges say. With `roots`, also behind further root buses, which large machines have
// several of: those of the buses left over whose device 0 answers there.
std::vector<Function> enumerate(Config& config, u16 segment, u8 first_bus, u8 last_bus,
                                Config* roots = nullptr);

struct Bar {
  u64 address = 0;  // 0: there is none, or nobody gave it an address
  u64 bytes = 0;
  bool ports = false;
};
// A base address register, from 0 to 5. Its size is asked for, which nobody else may disturb: while
// this runs the function answers nothing.
Bar read_bar(Config& config, Address at, u32 index);

// Sets bits of the command register (the status beside it is left as it is).
void enable(Config& config, Address at, u32 bits);
// Lets the bridges above a function through what it reads and writes.
void enable_path(Config& config, std::span<const Function> all, const Function& function);

// The next capability with that number behind `after` (0: the first one); 0 if there is none.
u8 find_capability(Config& config, Address at, u8 number, u8 after = 0);

// A segment's piece of memory-mapped configuration space: of bus b from address + b MiB on.
struct Ecam {
  u64 address = 0;
  u16 segment = 0;
  u8 first_bus = 0;
  u8 last_bus = 0;
};
// `table` is ACPI's MCFG as a whole.
std::vector<Ecam> read_mcfg(std::span<const u8> table);

}  // namespace bf::x86::pci
