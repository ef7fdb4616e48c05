// Fuzzes what firmware and boot loader leave behind, besides ACPI's tables of cores and clocks
// (acpi_fuzz.cpp): the tags of Multiboot2, the table of PCI's memory, and configuration space.
// Whatever the bytes say, nothing outside of them is read, nothing goes round for ever, and what comes
// out is consistent.
//
//   firmware_fuzz ROUNDS    deterministic mutations of a built-in machine
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <set>
#include <string>
#include <tuple>

#include "arch/x86/pci.h"
#include "boot/boot_info.h"
#include "boot/boot_options.h"
#include "mutate.h"

namespace {

using namespace bf;
using namespace bf::x86;

u64 boots = 0, pieces = 0, functions = 0, bars = 0, capabilities = 0;

void demand(bool condition) {
  if (!condition) __builtin_trap();
}

template <usize kCapacity>
void demand_ended(const char (&text)[kCapacity]) {
  demand(strnlen(text, kCapacity) < kCapacity);
}

// ---- Multiboot2

void look_at_tags(std::span<const u8> bytes) {
  static auto info = std::make_unique<boot::BootInfo>();
  *info = {};
  const bool good = static_cast<bool>(boot::parse_boot_info(bytes, *info));
  boots += good;
  demand(info->memory_count <= boot::BootInfo::kMaxMemoryRanges);
  demand(info->module_count <= boot::BootInfo::kMaxModules);
  demand(info->acpi_root_pointer_bytes <= sizeof info->acpi_root_pointer);
  demand_ended(info->command_line);
  demand_ended(info->loader);
  for (const boot::MemoryRange& r : info->memory_ranges()) demand(r.start + r.bytes >= r.start);
  for (const boot::Module& m : info->module_list()) {
    demand(m.end >= m.start);
    demand_ended(m.name);
  }
  auto options = std::make_unique<boot::OptionsText>();
  options->add_words(info->command_line);
  demand(options->view().size() < boot::OptionsText::capacity());
  demand(options->view().empty() || options->view().back() == '\n');
}

// ---- PCI

// Configuration spaces of 256 bytes, each with as many bytes of what can be written; functions find
// theirs by their address, so that a bus may be there many times.
class Space final : public pci::Config {
 public:
  explicit Space(std::span<const u8> bytes)
      : words_(bytes.begin(), bytes.begin() + static_cast<i64>(bytes.size() / 512 * 512)) {}
  u64 reads = 0;

  u32 read(pci::Address at, u16 offset) override {
    ++reads;
    demand(offset % 4 == 0 && offset < 256);
    const u8* const word = find(at, offset);
    u32 value = ~u32{0};
    if (word != nullptr) std::memcpy(&value, word, 4);
    return value;
  }
  void write(pci::Address at, u16 offset, u32 value) override {
    demand(offset % 4 == 0 && offset < 256);
    u8* const word = find(at, offset);
    if (word == nullptr) return;
    u32 old, mask;
    std::memcpy(&old, word, 4);
    std::memcpy(&mask, word + 256, 4);
    value = (old & ~mask) | (value & mask);
    std::memcpy(word, &value, 4);
  }
  const std::vector<u8>& words() const { return words_; }

 private:
  u8* find(pci::Address at, u16 offset) {
    const usize count = words_.size() / 512;
    const usize index = (at.bus * 31u + at.device * 8u + at.function) % 97;
    return index < count ? &words_[index * 512 + offset] : nullptr;
  }
  std::vector<u8> words_;
};

void look_at_functions(std::span<const u8> bytes) {
  if (bytes.size() < 2) return;
  Space space(bytes.subspan(2));
  const std::vector<u8> before = space.words();
  const auto found = pci::enumerate(space, 0, bytes[0], bytes[1]);
  demand(space.reads <= 256 * 32 * 8 * 4);
  demand(space.words() == before);
  std::set<std::tuple<u8, u8, u8>> seen;
  for (usize i = 0; i < found.size(); ++i) {
    const pci::Address at = found[i].at;
    demand(at.bus <= bytes[1] && at.device < 32 && at.function < 8);
    demand(seen.insert({at.bus, at.device, at.function}).second);
    if (i >= 64) continue;
    for (u32 index = 0; index < 7; ++index) bars += pci::read_bar(space, at, index).bytes != 0;
    u32 count = 0;
    for (u8 place = 0; (place = pci::find_capability(space, at, 9, place)) != 0 && count < 300; ++count)
      demand(place >= 0x40 && place % 4 == 0);
    capabilities += count;
  }
  functions += found.size();
}

void look_at_table(std::span<const u8> bytes) {
  for (const pci::Ecam& e : pci::read_mcfg(bytes)) {
    ++pieces;
    demand(e.address != 0 && e.last_bus >= e.first_bus);
  }
}

// The first byte says what the others are.
void look(const u8* data, usize size) {
  if (size == 0) return;
  const std::vector<u8> bytes(data + 1, data + size);  // of exactly that size
  if (data[0] % 3 == 0) look_at_tags(bytes);
  if (data[0] % 3 == 1) look_at_functions(bytes);
  if (data[0] % 3 == 2) look_at_table(bytes);
}

// ---- A machine

class Builder {
 public:
  explicit Builder(u8 kind) : bytes_(1, kind) {}
  template <class T>
  Builder& put(T value) {
    const auto* p = reinterpret_cast<const u8*>(&value);
    bytes_.insert(bytes_.end(), p, p + sizeof value);
    return *this;
  }
  Builder& text(std::string_view s) {
    bytes_.insert(bytes_.end(), s.begin(), s.end());
    bytes_.push_back(0);
    return *this;
  }
  Builder& tag(u32 type, const Builder& body) {
    put(type).put(static_cast<u32>(body.bytes_.size() + 7));
    bytes_.insert(bytes_.end(), body.bytes_.begin() + 1, body.bytes_.end());
    while (bytes_.size() % 8 != 1) bytes_.push_back(0);
    return *this;
  }
  fuzz::Bytes bytes_;
};

[[maybe_unused]] fuzz::Bytes tags() {
  Builder b(0);
  b.put(u32{0}).put(u32{0});
  b.tag(1, Builder(0).text("selftest=cores  model=a.gguf watchdog=1 word"));
  b.tag(2, Builder(0).text("GRUB 2.06"));
  b.tag(3, Builder(0).put(u32{0x900000}).put(u32{0x910000}).text("program and more"));
  b.tag(3, Builder(0).put(u32{0x910000}).put(u32{0x990000}).text("model"));
  Builder map(0);
  map.put(u32{24}).put(u32{0});
  for (u64 i = 0; i < 6; ++i) map.put(i << 20).put(u64{1} << 20).put(u32(i)).put(u32{0});
  b.tag(6, map);
  b.tag(8, Builder(0).put(u64{0xfd000000}).put(u32{4096}).put(u32{1024}).put(u32{768}).put(u8{32}).put(u8{1})
               .put(u16{0}).put(u64{0x0800'0808'0810}));
  b.tag(14, Builder(0).text("RSD PTR 0123456789ab"));
  b.tag(15, Builder(0).text("RSD PTR 0123456789abcdefghijklmnopqr"));
  b.tag(0, Builder(0));
  const u32 total = static_cast<u32>(b.bytes_.size() - 1);
  std::memcpy(&b.bytes_[1], &total, 4);
  return b.bytes_;
}

[[maybe_unused]] fuzz::Bytes space() {
  fuzz::Bytes bytes = {1, 0, 255};
  for (u32 i = 0; i < 12; ++i) {
    u8 words[512] = {};
    const auto put = [&](usize at, u32 value) { std::memcpy(words + at, &value, 4); };
    const bool is_bridge = i % 4 == 3;
    put(0x00, 0x10001af4 + (i << 16));
    put(0x04, 0x00100000);
    put(0x08, is_bridge ? 0x06040000 : 0x01060100);
    put(0x0c, (is_bridge ? 0x10000 : 0) | (i % 3 == 0 ? 0x800000 : 0));
    put(0x10, 0xfeb00000 | (i % 2 ? 4 : 0));
    if (is_bridge) put(0x18, (i + 1) << 8);
    else put(0x18, 0xc001);
    put(0x34, 0x40);
    put(0x40, 0x5009);
    put(0x50, 0x9 | (i % 5 == 0 ? 0x4000 : 0));  // some go round
    put(256 + 0x04, 0xffff);
    put(256 + 0x10, 0xfffff000);
    put(256 + 0x14, 0xffffffff);
    put(256 + 0x18, 0xffe0);
    bytes.insert(bytes.end(), words, words + sizeof words);
  }
  return bytes;
}

[[maybe_unused]] fuzz::Bytes table() {
  Builder b(2);
  b.text("MCFG");
  b.bytes_.resize(1 + 44);
  b.put(u64{0xb0000000}).put(u16{0}).put(u8{0}).put(u8{255}).put(u32{0});
  b.put(u64{0xc0000000}).put(u16{1}).put(u8{16}).put(u8{31}).put(u32{0});
  return b.bytes_;
}

int look_at_rounds(int rounds) {
  const fuzz::Bytes seeds[] = {tags(), space(), table()};
  for (const auto& seed : seeds) look(seed.data(), seed.size());
  const bool good = boots == 1 && functions > 10 && bars > 10 && capabilities > 10 && pieces == 2;
  fuzz::Mutator mutator(1);
  for (int i = 0; i < rounds; ++i) {
    const auto bytes = mutator.mutate(seeds[i % 3]);
    look(bytes.data(), bytes.size());
  }
  std::printf("%d machines: %llu booted, %llu functions, %llu base addresses, %llu capabilities, %llu pieces\n",
              rounds, static_cast<unsigned long long>(boots), static_cast<unsigned long long>(functions),
              static_cast<unsigned long long>(bars), static_cast<unsigned long long>(capabilities),
              static_cast<unsigned long long>(pieces));
  return good && boots > static_cast<u64>(rounds) / 30 ? 0 : 1;
}

}  // namespace

#include "entry.h"
