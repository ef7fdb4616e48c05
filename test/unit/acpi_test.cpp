#include "arch/x86/acpi.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>
#include <vector>

using namespace bf;
using namespace bf::x86;

namespace {

using Bytes = std::vector<u8>;

// Physical memory with tables in it; each view is a copy of exactly the bytes asked for.
struct Machine {
  std::map<u64, Bytes> tables;
  std::vector<Bytes> views;
  Bytes root;

  static std::span<const u8> view(void* self, u64 address, usize bytes) {
    auto& machine = *static_cast<Machine*>(self);
    for (const auto& [start, table] : machine.tables) {
      if (address < start || address - start > table.size()) continue;
      if (table.size() - (address - start) < bytes) return {};
      const u8* first = table.data() + (address - start);
      return machine.views.emplace_back(first, first + bytes);
    }
    return {};
  }
  auto find() { return acpi::find_power_control(root, view, this); }
};

template <class T>
void set(Bytes& table, usize at, T value) {
  std::memcpy(table.data() + at, &value, sizeof value);
}

void fix_sum(Bytes& table, usize at, usize bytes) {
  table[at] = 0;
  u8 sum = 0;
  for (usize i = 0; i < bytes; ++i) sum = static_cast<u8>(sum + table[i]);
  table[at] = static_cast<u8>(-sum);
}

Bytes table(const char* signature, usize bytes) {
  Bytes t(bytes);
  std::memcpy(t.data(), signature, 4);
  set(t, 4, static_cast<u32>(bytes));
  return t;
}

void finish(Bytes& t) {
  fix_sum(t, 9, t.size());
}

constexpr u64 kRsdt = 0x1000, kOther = 0x2000, kFadt = 0x3000, kDsdt = 0x4000, kXsdt = 0x5000;

// What QEMU's machines have, more or less: version 1 tables, S5 is Package {0, 0, 0, 0}.
Machine example() {
  Machine m;
  m.root = Bytes(20);
  std::memcpy(m.root.data(), "RSD PTR ", 8);
  set(m.root, 16, static_cast<u32>(kRsdt));
  fix_sum(m.root, 8, 20);

  Bytes rsdt = table("RSDT", 44);
  set(rsdt, 36, static_cast<u32>(kOther));
  set(rsdt, 40, static_cast<u32>(kFadt));
  finish(rsdt);
  Bytes other = table("SSDT", 60);
  finish(other);

  Bytes fadt = table("FACP", 244);
  set(fadt, 40, static_cast<u32>(kDsdt));
  set(fadt, 48, u32{0xb2});
  fadt[52] = 2;
  set(fadt, 64, u32{0x604});
  set(fadt, 112, u32{1 << 10});
  fadt[116] = 1;
  set(fadt, 120, u64{0xcf9});
  fadt[128] = 0x0f;
  finish(fadt);

  const u8 s5[] = {0x08, '_', 'S', '5', '_', 0x12, 0x07, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00};
  Bytes dsdt = table("DSDT", 36 + 40 + sizeof s5 + 20);
  std::memcpy(dsdt.data() + 50, "_S5_", 4);  // the name elsewhere, without a package
  std::memcpy(dsdt.data() + 36 + 40, s5, sizeof s5);
  finish(dsdt);

  m.tables = {{kRsdt, rsdt}, {kOther, other}, {kFadt, fadt}, {kDsdt, dsdt}};
  return m;
}

// As version 2 has it, beside the first one.
void add_extended_table(Machine& m) {
  Bytes xsdt = table("XSDT", 44);
  set(xsdt, 36, kFadt);
  finish(xsdt);
  m.tables[kXsdt] = xsdt;
  m.root.resize(36);
  m.root[15] = 2;
  set(m.root, 20, u32{36});
  set(m.root, 24, kXsdt);
  fix_sum(m.root, 8, 20);
  fix_sum(m.root, 32, 36);
}

}  // namespace

TEST_CASE("acpi: from the root pointer to the sleep types") {
  Machine m = example();
  auto power = m.find();
  REQUIRE(power);
  CHECK(power->pm1a_control == 0x604);
  CHECK(power->pm1b_control == 0);
  CHECK(power->sleep_type_a == 5);
  CHECK(power->sleep_type_b == 1);
  CHECK(power->smi_command == 0xb2);
  CHECK(power->acpi_enable == 2);
  CHECK(power->reset_port == 0xcf9);
  CHECK(power->reset_value == 0x0f);
}

TEST_CASE("acpi: version 2 has an extended table of 64-bit addresses") {
  Machine m = example();
  add_extended_table(m);
  m.tables.erase(kRsdt);
  CHECK(m.find());
}

TEST_CASE("acpi: where the extended table is damaged, the first one counts") {
  Machine m = example();
  add_extended_table(m);
  m.tables[kXsdt].back() ^= 1;
  CHECK(m.find());
  m.tables.erase(kRsdt);
  CHECK_FALSE(m.find());
}

TEST_CASE("acpi: what is damaged is refused") {
  for (const u64 address : {kRsdt, kFadt, kDsdt}) {
    Machine m = example();
    m.tables[address].back() ^= 1;  // the checksum
    CHECK_FALSE(m.find());
    Machine gone = example();
    gone.tables.erase(address);
    CHECK_FALSE(gone.find());
    for (const u32 bytes : {u32{0}, u32{35}, ~u32{0}}) {
      Machine wrong = example();
      set(wrong.tables[address], 4, bytes);
      CHECK_FALSE(wrong.find());
    }
    for (usize bytes = 0; bytes < example().tables[address].size(); ++bytes) {
      Machine cut = example();
      cut.tables[address].resize(bytes);
      CHECK_FALSE(cut.find());
    }
  }
  Machine root = example();
  root.root[0] = 'X';
  CHECK_FALSE(root.find());
}

TEST_CASE("acpi: where the timers are") {
  Machine m = example();
  CHECK(acpi::find_timers(m.root, Machine::view, &m).hpet == 0);
  Bytes fadt = m.tables[kFadt];
  set(fadt, 76, u32{0x608});
  set(fadt, 112, u32{1 << 8});
  fadt[108] = 0x32;
  finish(fadt);
  m.tables[kFadt] = fadt;
  Bytes hpet = table("HPET", 56);
  set(hpet, 44, u64{0xfed00000});
  finish(hpet);
  m.tables[kOther] = hpet;
  const auto timers = acpi::find_timers(m.root, Machine::view, &m);
  CHECK(timers.hpet == 0xfed00000);
  CHECK(timers.pm_timer_port == 0x608);
  CHECK(timers.pm_timer_has_32_bits);
  CHECK(timers.century == 0x32);

  hpet[40] = 1;  // registers in I/O space: none that we know
  finish(hpet);
  m.tables[kOther] = hpet;
  m.tables.erase(kFadt);
  const auto none = acpi::find_timers(m.root, Machine::view, &m);
  CHECK(none.hpet == 0);
  CHECK(none.pm_timer_port == 0);
}

TEST_CASE("acpi: damaged bytes with right checksums are never overrun") {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    Machine m = example();
    const u64 address = std::vector<u64>{kRsdt, kFadt, kDsdt}[random() % 3];
    Bytes& t = m.tables[address];
    for (u32 n = 1 + random() % 4; n > 0; --n) t[random() % t.size()] = static_cast<u8>(random());
    finish(t);
    (void)m.find();
  }
}
