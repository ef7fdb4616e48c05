#include "arch/x86/madt.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <random>
#include <vector>

using namespace bf;
using namespace bf::x86;

namespace {

// The ACPI table of cores, as firmware writes it; its checksum is find_table's business.
struct Table {
  std::vector<u8> bytes = std::vector<u8>(44);

  Table() { put(36, u32{0xfee00000}); }
  template <class T>
  void put(usize at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }
  void add(std::initializer_list<u8> structure) { bytes.insert(bytes.end(), structure); }
  void add_core(u8 id, u8 flags) { add({0, 8, id, id, flags, 0, 0, 0}); }
  void add_x2_core(u16 id, u8 flags) {
    add({9, 16, 0, 0, static_cast<u8>(id), static_cast<u8>(id >> 8), 0, 0, flags, 0, 0, 0, 0, 0, 0, 0});
  }
  auto read() const { return acpi::read_madt(bytes); }
};

}  // namespace

TEST_CASE("madt: cores that can be used, in the table's order, each once") {
  Table t;
  t.add_core(0, 1);
  t.add_core(4, 1);
  t.add_core(2, 0);     // switched off
  t.add_core(3, 2);     // may be plugged in
  t.add_core(0xff, 1);  // stands for none
  t.add_x2_core(4, 1);  // again
  t.add_x2_core(300, 1);
  auto madt = t.read();
  REQUIRE(madt);
  CHECK(madt->local_apic == 0xfee00000);
  CHECK(madt->cores_disabled == 2);
  REQUIRE(madt->core_count == 3);
  CHECK(madt->apic_ids[0] == 0);
  CHECK(madt->apic_ids[1] == 4);
  CHECK(madt->apic_ids[2] == 300);
}

TEST_CASE("madt: more cores than there is room for") {
  Table t;
  for (u16 id = 0; id < acpi::Madt::kMostCores + 10; ++id) t.add_x2_core(id, 1);
  auto madt = t.read();
  REQUIRE(madt);
  CHECK(madt->core_count == acpi::Madt::kMostCores);
  CHECK(madt->cores_dropped == 10);
}

TEST_CASE("madt: interrupt controllers and lines that have moved") {
  Table t;
  t.add({1, 12, 0, 0, 0x00, 0x00, 0xc0, 0xfe, 0, 0, 0, 0});
  t.add({1, 12, 1, 0, 0x00, 0x10, 0xc0, 0xfe, 24, 0, 0, 0});
  t.add({2, 10, 0, 0, 2, 0, 0, 0, 0, 0});      // the PIT, on QEMU
  t.add({2, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0});  // low, level
  t.add({2, 10, 0, 99, 21, 0, 0, 0, 0, 0});    // no such line
  t.add({2, 10, 7, 5, 22, 0, 0, 0, 0, 0});     // of another bus
  t.add({5, 12, 0, 0, 0x00, 0x00, 0x10, 0xfd, 1, 0, 0, 0});
  t.add({77, 3, 0});  // of a later version
  auto madt = t.read();
  REQUIRE(madt);
  REQUIRE(madt->io_apic_count == 2);
  CHECK(madt->io_apics[1].address == 0xfec01000);
  CHECK(madt->io_apics[1].first_line == 24);
  CHECK(madt->isa_lines[0].number == 2);
  CHECK(madt->isa_lines[4].number == 4);
  CHECK(madt->isa_lines[5].number == 5);
  CHECK(madt->isa_lines[9].number == 20);
  CHECK(madt->isa_lines[9].active_low);
  CHECK(madt->isa_lines[9].level);
  CHECK_FALSE(madt->isa_lines[4].level);
  CHECK(madt->local_apic == 0x1fd100000);
}

TEST_CASE("madt: what is cut or has impossible lengths is refused, and never overrun") {
  Table t;
  t.add_core(0, 1);
  t.add({1, 12, 0, 0, 0x00, 0x00, 0xc0, 0xfe, 0, 0, 0, 0});
  for (usize bytes = 0; bytes < t.bytes.size(); ++bytes) {
    const std::vector<u8> cut(t.bytes.begin(), t.bytes.begin() + static_cast<long>(bytes));
    const bool whole = bytes == 44 || bytes == 52 || bytes == 45 || bytes == 53;
    CHECK(static_cast<bool>(acpi::read_madt(cut)) == whole);
  }
  for (const u8 length : {0, 1, 9, 255}) {
    Table wrong;
    wrong.add({0, length, 1, 1, 1, 0, 0, 0});
    CHECK_FALSE(wrong.read());
  }
  Table small;  // too short for its type: passed over
  small.add({0, 2, 9, 3, 1});
  small.add({1, 4, 0, 0});
  auto madt = small.read();
  REQUIRE(madt);
  CHECK(madt->core_count == 0);
  CHECK(madt->io_apic_count == 0);
}
