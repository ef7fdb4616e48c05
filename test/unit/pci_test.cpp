#include "arch/x86/pci.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <map>
#include <random>
#include <tuple>

#include "arch/x86/ata_identity.h"

using namespace bf;
using namespace bf::x86;

namespace {

using Place = std::tuple<u8, u8, u8>;  // bus, device, function

// Configuration space of made-up functions: words that can be written where a mask says so.
struct FakeConfig final : pci::Config {
  struct Words {
    u32 value[64] = {};
    u32 writable[64] = {};
  };
  std::map<Place, Words> functions;
  u64 reads = 0;

  Words& add(u8 bus, u8 device, u8 function, u32 ids, u32 kind, u32 header = 0) {
    Words& words = functions[{bus, device, function}];
    words.value[0] = ids;
    words.value[2] = kind << 8;
    words.value[3] = header << 16;
    words.writable[1] = 0xffff;
    return words;
  }
  Words& add_bridge(u8 bus, u8 device, u8 secondary) {
    Words& words = add(bus, device, 0, 0x00018086, 0x060400, 1);
    words.value[6] = u32{secondary} << 8 | bus;
    return words;
  }
  void add_bar(Words& words, u32 index, u32 value, u32 writable) {
    words.value[4 + index] = value;
    words.writable[4 + index] = writable;
  }
  u32 read(pci::Address at, u16 offset) override {
    ++reads;
    const auto found = functions.find({at.bus, at.device, at.function});
    return found == functions.end() ? ~u32{0} : found->second.value[offset / 4 % 64];
  }
  void write(pci::Address at, u16 offset, u32 value) override {
    Words& words = functions.at({at.bus, at.device, at.function});
    const u32 mask = words.writable[offset / 4];
    words.value[offset / 4] = (words.value[offset / 4] & ~mask) | (value & mask);
  }
};

}  // namespace

TEST_CASE("pci: functions on all buses behind bridges, each once") {
  FakeConfig config;
  config.add(0, 0, 0, 0x29c08086, 0x060000);
  config.add(0, 31, 0, 0x29188086, 0x060100, 0x80);  // a device of several functions
  config.add(0, 31, 2, 0x29228086, 0x010601);
  config.add(0, 5, 0, 0x12341234, 0x020000);
  config.add(0, 5, 1, 0x12341234, 0x020000);  // not looked at: function 0 says it is alone
  config.add_bridge(0, 1, 2);
  config.add_bridge(0, 2, 2);  // the same bus again
  config.add_bridge(2, 0, 7);
  config.add_bridge(2, 1, 0);  // back to the root, or not set up
  config.add_bridge(7, 3, 2);  // a loop
  config.add(7, 0, 0, 0x10411af4, 0x010000);

  const auto found = pci::enumerate(config, 0, 0, 255);
  CHECK(found.size() == 10);
  u32 ahci = 0;
  for (const auto& f : found) ahci += f.is(1, 6, 1);
  CHECK(ahci == 1);
  CHECK(found.back().at == pci::Address{0, 7, 3, 0});
}

TEST_CASE("pci: further root buses are found by their device 0") {
  FakeConfig config;
  config.add(0, 0, 0, 0x14a41022, 0x060000);
  config.add_bridge(0, 1, 1);
  config.add(1, 0, 0, 0x12341234, 0x010802);
  config.add(0x40, 0, 0, 0x14a41022, 0x060000);
  config.add_bridge(0x40, 1, 0x41);
  config.add(0x41, 0, 0, 0x12341234, 0x010802);
  config.add(0x60, 3, 0, 0x12341234, 0x020000);  // no device 0: nothing is there
  CHECK(pci::enumerate(config, 0, 0, 255).size() == 3);
  const auto found = pci::enumerate(config, 0, 0, 255, &config);
  REQUIRE(found.size() == 6);
  CHECK(found.back().at == pci::Address{0, 0x41, 0, 0});
  CHECK(found.back().bridge == pci::Address{0, 0x40, 1, 0});
  CHECK(pci::enumerate(config, 0, 0, 0x40, &config).size() == 5);
}

TEST_CASE("pci: all bridges above a function let it through, and no others") {
  FakeConfig config;
  config.add(0, 0, 0, 0x29c08086, 0x060000);
  config.add_bridge(0, 1, 1);
  config.add_bridge(0, 2, 2);
  config.add_bridge(2, 0, 3);
  config.add(3, 0, 0, 0x12341234, 0x010802);
  const auto found = pci::enumerate(config, 0, 0, 255);
  const auto command = [&](u8 bus, u8 device) { return config.read({0, bus, device, 0}, pci::kCommand) & 0xffff; };
  for (auto& [place, words] : config.functions) words.writable[pci::kCommand / 4] = 0xffff;
  for (const auto& f : found)
    if (f.at.bus == 3) pci::enable_path(config, found, f);
  CHECK(command(2, 0) == (pci::kDecodeMemory | pci::kBusMaster));
  CHECK(command(0, 2) == (pci::kDecodeMemory | pci::kBusMaster));
  CHECK(command(0, 1) == 0);
  CHECK(command(0, 0) == 0);
  // Bridges that say that they are behind each other.
  pci::Function a{.at = {0, 1, 0, 0}, .bridge = {0, 2, 0, 0}}, b{.at = {0, 2, 0, 0}, .bridge = {0, 1, 0, 0}};
  config.add(1, 0, 0, 1, 0);
  config.add(2, 0, 0, 1, 0);
  const std::vector<pci::Function> circle = {a, b};
  pci::enable_path(config, circle, a);
}

TEST_CASE("pci: buses behind the last one are left out, nonsense ends") {
  FakeConfig config;
  config.add_bridge(0, 0, 9);
  config.add(9, 0, 0, 0x10411af4, 0x010000);
  CHECK(pci::enumerate(config, 0, 0, 8).size() == 1);
  CHECK(pci::enumerate(config, 0, 0, 9).size() == 2);

  struct Noise final : pci::Config {
    std::mt19937 random{7};
    u32 read(pci::Address, u16) override { return static_cast<u32>(random()); }
    void write(pci::Address, u16, u32) override {}
  } noise;
  CHECK(pci::enumerate(noise, 0, 0, 255).size() <= 256 * 32 * 8);
  for (int i = 0; i < 1000; ++i) {
    pci::find_capability(noise, {}, 9);
    pci::read_bar(noise, {}, static_cast<u32>(i % 7));
  }
}

TEST_CASE("pci: base address registers of all kinds") {
  FakeConfig config;
  auto& words = config.add(0, 3, 0, 0x12341234, 0x010601);
  words.value[1] = 0x0010'0003;
  config.add_bar(words, 0, 0xfebd'1000, 0xffff'f000);
  config.add_bar(words, 1, 0x0000'000c, 0xffff'c000);  // 64 bits, prefetchable, 16 KiB, above 4 GiB
  config.add_bar(words, 2, 0x0000'0012, 0xffff'ffff);
  config.add_bar(words, 3, 0x0000'c041, 0x0000'ffe0);  // ports
  const pci::Address at = {0, 0, 3, 0};

  const auto memory = pci::read_bar(config, at, 0);
  CHECK(memory.address == 0xfebd'1000);
  CHECK(memory.bytes == 4096);
  CHECK_FALSE(memory.ports);
  const auto large = pci::read_bar(config, at, 1);
  CHECK(large.address == 0x12'0000'0000);
  CHECK(large.bytes == 16384);
  const auto ports = pci::read_bar(config, at, 3);
  CHECK(ports.ports);
  CHECK(ports.address == 0xc040);
  CHECK(ports.bytes == 32);
  CHECK(pci::read_bar(config, at, 4).bytes == 0);
  CHECK(pci::read_bar(config, at, 6).bytes == 0);
  // What was there is there again.
  CHECK(words.value[1] == 0x0010'0003);
  CHECK(words.value[4] == 0xfebd'1000);
  CHECK(words.value[6] == 0x12);

  pci::enable(config, at, pci::kBusMaster);
  CHECK(words.value[1] == 0x0010'0007);
}

TEST_CASE("pci: capabilities, by number and in a circle") {
  FakeConfig config;
  auto& words = config.add(0, 3, 0, 0x12341234, 0x010000);
  const pci::Address at = {0, 0, 3, 0};
  words.value[0x34 / 4] = 0x40;
  words.value[0x40 / 4] = 0x5009;
  words.value[0x50 / 4] = 0x6011;
  words.value[0x60 / 4] = 0x4009;
  CHECK(pci::find_capability(config, at, 9) == 0);  // the status does not say that there is a list
  words.value[1] = 1 << 20;
  CHECK(pci::find_capability(config, at, 9) == 0x40);
  CHECK(pci::find_capability(config, at, 9, 0x40) == 0x60);
  CHECK(pci::find_capability(config, at, 0x11) == 0x50);
  CHECK(pci::find_capability(config, at, 5) == 0);
}

TEST_CASE("pci: ACPI's table of configuration space") {
  std::vector<u8> table(44 + 2 * 16 + 5);  // and a piece of an entry
  const u64 address = 0xb000'0000;
  std::memcpy(&table[44], &address, 8);
  table[44 + 11] = 255;
  const auto pieces = pci::read_mcfg(table);  // the second entry has no address
  REQUIRE(pieces.size() == 1);
  CHECK(pieces[0].address == address);
  CHECK(pieces[0].last_bus == 255);
  for (usize bytes = 0; bytes < 60; ++bytes) CHECK(pci::read_mcfg({table.data(), bytes}).empty());
}

TEST_CASE("ata: what a disk says about itself") {
  u8 bytes[512] = {};
  const auto put = [&](usize word, u32 value) {
    bytes[2 * word] = static_cast<u8>(value);
    bytes[2 * word + 1] = static_cast<u8>(value >> 8);
  };
  const char model[] = "BareFlow disk\x01                          ";
  for (usize i = 0; i < 20; ++i)
    put(27 + i, static_cast<u32>(model[2 * i] << 8 | model[2 * i + 1]));
  put(49, 1 << 8);
  put(60, 0x5678);
  put(61, 0x1234);
  auto id = x86::ata::read_identity(bytes);
  CHECK(std::string{id.model} == "BareFlow disk?");
  CHECK(id.has_dma);
  CHECK_FALSE(id.has_48_bits);
  CHECK(id.sector_count == 0x12345678);
  CHECK(id.sector_bytes == 512);

  put(83, 1 << 14 | 1 << 10);
  put(100, 0x1111);
  put(102, 0x3);
  put(106, 1 << 14 | 1 << 12);
  put(117, 2048);
  id = x86::ata::read_identity(bytes);
  CHECK(id.has_48_bits);
  CHECK(id.sector_count == 0x3'0000'1111);
  CHECK(id.sector_bytes == 4096);
}
