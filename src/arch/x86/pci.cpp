#include "arch/x86/pci.h"

#include "arch/x86/acpi_tables.h"

namespace bf::x86::pci {

namespace {

constexpr u32 kDevices = 32, kFunctions = 8;
constexpr u32 kMultiFunction = 0x80;
constexpr u8 kBridgeHeader = 1;

bool is_there(u32 ids) {
  return (ids & 0xffff) != 0xffff && (ids & 0xffff) != 0;
}

class Walk {
 public:
  Walk(Config& config, u16 segment, u8 last_bus)
      : config_(config), segment_(segment), last_bus_(last_bus) {}

  std::vector<Function> from(u8 first_bus, Config* roots) {
    add_bus(first_bus, {});
    look_behind();
    for (u32 bus = first_bus; roots != nullptr && bus <= last_bus_; ++bus) {
      const u8 root = static_cast<u8>(bus);
      if (seen_[root] || !is_there(roots->read({segment_, root, 0, 0}, kIds))) continue;
      add_bus(root, {});
      look_behind();
    }
    return static_cast<std::vector<Function>&&>(found_);
  }

 private:
  struct Bus {
    u8 number;
    Address bridge;
  };

  // Buses wait in a list: bridges behind bridges need no stack.
  void look_behind() {
    for (; next_ < buses_.size(); ++next_)
      for (u8 device = 0; device < kDevices; ++device) look_at(buses_[next_], device);
  }

  void add_bus(u8 bus, Address bridge) {
    if (bus > last_bus_ || seen_[bus]) return;
    seen_[bus] = true;
    buses_.push_back({bus, bridge});
  }

  void look_at(Bus bus, u8 device) {
    for (u8 function = 0; function < kFunctions; ++function) {
      const Address at = {segment_, bus.number, device, function};
      const u32 ids = config_.read(at, kIds);
      if (!is_there(ids)) {
        if (function == 0) return;  // every device has a function 0
        continue;
      }
      const u32 header = config_.read(at, kHeaderType) >> 16 & 0xff;
      add(at, bus.bridge, ids, header & ~kMultiFunction);
      if (function == 0 && (header & kMultiFunction) == 0) return;
    }
  }

  void add(Address at, Address bridge, u32 ids, u32 header) {
    const u32 kind = config_.read(at, kClass);
    found_.push_back({at, bridge, static_cast<u16>(ids), static_cast<u16>(ids >> 16),
                      static_cast<u8>(kind >> 24), static_cast<u8>(kind >> 16),
                      static_cast<u8>(kind >> 8)});
    if (header != kBridgeHeader) return;
    const u8 secondary = static_cast<u8>(config_.read(at, kBuses) >> 8);
    if (secondary != 0) add_bus(secondary, at);  // 0: the firmware has not set it up
  }

  Config& config_;
  const u16 segment_;
  const u8 last_bus_;
  bool seen_[256] = {};
  std::vector<Bus> buses_;
  usize next_ = 0;  // of the buses
  std::vector<Function> found_;
};

u32 status_left_alone(u32 command) {
  return command & 0xffff;  // its bits are cleared by ones
}

}  // namespace

std::vector<Function> enumerate(Config& config, u16 segment, u8 first_bus, u8 last_bus,
                                Config* roots) {
  return Walk(config, segment, last_bus).from(first_bus, roots);
}

Bar read_bar(Config& config, Address at, u32 index) {
  constexpr u32 kPorts = 1, kTypeMask = 6, kType64 = 4;
  if (index > 5) return {};
  const u16 offset = static_cast<u16>(kBar0 + 4 * index);
  const u32 low = config.read(at, offset);
  const bool ports = (low & kPorts) != 0;
  const bool is_64 = !ports && (low & kTypeMask) == kType64 && index < 5;
  const u16 high_offset = static_cast<u16>(offset + 4);
  const u32 high = is_64 ? config.read(at, high_offset) : 0;

  const u32 command = status_left_alone(config.read(at, kCommand));
  config.write(at, kCommand, command & ~(kDecodePorts | kDecodeMemory));
  config.write(at, offset, ~u32{0});
  if (is_64) config.write(at, high_offset, ~u32{0});
  const u32 size_low = config.read(at, offset);
  const u32 size_high = is_64 ? config.read(at, high_offset) : 0;
  config.write(at, offset, low);
  if (is_64) config.write(at, high_offset, high);
  config.write(at, kCommand, command);

  const u32 flags = ports ? 3 : 15;
  Bar bar;
  bar.ports = ports;
  u64 mask = u64{size_high} << 32 | (size_low & ~flags);
  if ((size_low & ~flags) == 0 && size_high == 0) return {};
  if (!is_64) mask |= ~u64{0} << 32;
  if (ports) mask |= u64{0xffff} << 16;  // upper halves of port numbers may be fixed at 0
  bar.address = u64{high} << 32 | (low & ~flags);
  bar.bytes = ~mask + 1;
  return bar;
}

void enable(Config& config, Address at, u32 bits) {
  config.write(at, kCommand, status_left_alone(config.read(at, kCommand)) | bits);
}

void enable_path(Config& config, std::span<const Function> all, const Function& function) {
  constexpr u32 kMostBridges = 256;  // whatever they say of each other
  Address bridge = function.bridge;
  for (u32 i = 0; i < kMostBridges && bridge != Address{}; ++i) {
    enable(config, bridge, kDecodeMemory | kBusMaster);
    const Address here = bridge;
    bridge = {};
    for (const Function& f : all)
      if (f.at == here) bridge = f.bridge;
  }
}

u8 find_capability(Config& config, Address at, u8 number, u8 after) {
  constexpr u32 kHasList = 1 << 20;
  constexpr int kMost = 48;  // as many as fit into 192 bytes
  if ((config.read(at, kCommand) & kHasList) == 0) return 0;
  const u32 start = after == 0 ? config.read(at, kCapabilities) : config.read(at, after) >> 8;
  u8 place = static_cast<u8>(start & 0xfc);
  for (int i = 0; i < kMost && place >= 0x40; ++i) {
    const u32 head = config.read(at, place);
    if ((head & 0xff) == number) return place;
    place = static_cast<u8>(head >> 8 & 0xfc);
  }
  return 0;
}

std::vector<Ecam> read_mcfg(std::span<const u8> table) {
  constexpr usize kFirst = acpi::kHeaderBytes + 8, kEntryBytes = 16;
  std::vector<Ecam> found;
  for (usize at = kFirst; at + kEntryBytes <= table.size(); at += kEntryBytes) {
    const Ecam entry = {acpi::field<u64>(table, at), acpi::field<u16>(table, at + 8),
                        acpi::field<u8>(table, at + 10), acpi::field<u8>(table, at + 11)};
    if (entry.address != 0 && entry.last_bus >= entry.first_bus) found.push_back(entry);
  }
  return found;
}

}  // namespace bf::x86::pci
