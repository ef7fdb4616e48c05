// Fuzzes ACPI: whatever the tables say, following them reads nothing outside of them and ends.
//
//   acpi_fuzz ROUNDS    deterministic mutations of a built-in machine
//
// The bytes are physical memory: the root pointer at 0, tables where its list says. Checksums are put
// right first, or nothing behind them would be reached.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "arch/x86/acpi.h"
#include "arch/x86/madt.h"
#include "mutate.h"

namespace {

using namespace bf;
using namespace bf::x86;

constexpr usize kRootBytes = 36, kTableBytes = 0x100;  // tables begin at multiples of it

struct Memory {
  std::vector<u8> bytes;
  std::vector<std::vector<u8>> views;  // copies of exactly what was asked for

  static std::span<const u8> view(void* context, u64 address, usize count) {
    auto& self = *static_cast<Memory*>(context);
    if (address > self.bytes.size() || self.bytes.size() - address < count) return {};
    const u8* first = self.bytes.data() + address;
    return self.views.emplace_back(first, first + count);
  }
  void fix_sum(usize at, usize start, usize count) {
    if (start + count > bytes.size()) return;
    bytes[at] = 0;
    u8 sum = 0;
    for (usize i = 0; i < count; ++i) sum = static_cast<u8>(sum + bytes[start + i]);
    bytes[at] = static_cast<u8>(-sum);
  }
};

u64 accepted = 0;  // tables of cores that were reached and made sense

void look(const u8* data, usize size) {
  (void)acpi::read_madt({data, size});
  Memory memory{{data, data + size}, {}};
  if (size < kRootBytes) return;
  memory.fix_sum(8, 0, 20);
  memory.fix_sum(32, 0, kRootBytes);
  for (usize at = kTableBytes; at + acpi::kHeaderBytes <= size; at += kTableBytes) {
    u32 count;
    std::memcpy(&count, data + at + 4, sizeof count);
    if (count >= acpi::kHeaderBytes && count <= size) memory.fix_sum(at + 9, at, count);
  }
  const std::vector<u8> root(memory.bytes.begin(), memory.bytes.begin() + kRootBytes);
  (void)acpi::find_power_control(root, Memory::view, &memory);
  (void)acpi::find_timers(root, Memory::view, &memory);
  if (auto table = acpi::find_table({Memory::view, &memory}, root, "APIC"))
    if (acpi::read_madt(*table)) ++accepted;
}

[[maybe_unused]] std::string machine() {
  std::string memory(6 * kTableBytes, '\0');
  const auto put = [&](usize at, std::string_view text) { memory.replace(at, text.size(), text); };
  const auto put32 = [&](usize at, u32 value) { std::memcpy(memory.data() + at, &value, 4); };
  put(0, "RSD PTR ");
  put32(16, kTableBytes);
  const char* const names[] = {"RSDT", "FACP", "DSDT", "APIC", "HPET"};
  for (u32 i = 0; i < 5; ++i) {
    put((i + 1) * kTableBytes, names[i]);
    put32((i + 1) * kTableBytes + 4, 0xf4);
  }
  put32(0x104, 36 + 3 * 4);
  put32(0x124, 0x200);
  put32(0x128, 0x400);
  put32(0x12c, 0x500);
  put32(0x228, 0x300);  // the FADT's DSDT, PM1a and PM timer
  put32(0x240, 0x604);
  put32(0x24c, 0x608);
  put(0x330, std::string_view("\x08_S5_\x12\x06\x04\x0a\x05\x0a\x05\x00\x00", 13));
  put(0x42c, std::string_view("\x00\x08\x00\x00\x01\x00\x00\x00\x00\x08\x01\x01\x01\x00\x00\x00"
                              "\x01\x0c\x00\x00\x00\x00\xc0\xfe\x00\x00\x00\x00"
                              "\x02\x0a\x00\x00\x02\x00\x00\x00\x00\x00"
                              "\x09\x10\x00\x00\x2c\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00",
                              54));
  put32(0x404, 44 + 54);
  put32(0x52c, 0xfed00000);
  return memory;
}

int look_at_rounds(int rounds) {
  const std::string seed = machine();
  const bf::fuzz::Bytes bytes(seed.begin(), seed.end());
  look(bytes.data(), bytes.size());
  const bool seed_is_good = accepted == 1;
  bf::fuzz::Mutator mutator(1);
  for (int i = 0; i < rounds; ++i) {
    const auto mutated = mutator.mutate(bytes);
    look(mutated.data(), mutated.size());
  }
  std::printf("%d machines, %llu with a good table of cores\n", rounds,
              static_cast<unsigned long long>(accepted));
  return seed_is_good && accepted > 100 ? 0 : 1;
}

}  // namespace

#include "entry.h"
