#include "boot/boot_info.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "boot/boot_options.h"

using namespace bf;
using namespace bf::boot;

namespace {

// Builds a Multiboot2 boot information, tag by tag.
class Builder {
 public:
  Builder() : bytes_(8) {}

  void begin(u32 type) {
    tag_ = bytes_.size();
    u32_(type).u32_(0);
  }
  Builder& u8_(u8 v) { return number(v); }
  Builder& u32_(u32 v) { return number(v); }
  Builder& u64_(u64 v) { return number(v); }
  Builder& text(const char* s) {
    bytes_.insert(bytes_.end(), s, s + std::strlen(s) + 1);
    return *this;
  }
  void end() {
    set(tag_ + 4, static_cast<u32>(bytes_.size() - tag_));
    bytes_.resize(align_up(bytes_.size(), usize{8}));
  }
  std::vector<u8> finish() {
    begin(0);
    end();
    set(0, static_cast<u32>(bytes_.size()));
    return bytes_;
  }

 private:
  template <class T>
  Builder& number(T v) {
    const auto* p = reinterpret_cast<const u8*>(&v);
    bytes_.insert(bytes_.end(), p, p + sizeof v);
    return *this;
  }
  void set(usize at, u32 v) { std::memcpy(bytes_.data() + at, &v, sizeof v); }

  std::vector<u8> bytes_;
  usize tag_ = 0;
};

std::vector<u8> example() {
  Builder b;
  b.begin(1), b.text("tokens=20 temp=0"), b.end();
  b.begin(2), b.text("GRUB 2.06"), b.end();
  b.begin(3), b.u32_(0x1000000).u32_(0x1000010).text("program and more"), b.end();
  b.begin(3), b.u32_(0x2000000).u32_(0x2200000).text("model"), b.end();
  b.begin(6), b.u32_(24).u32_(0);
  b.u64_(0).u64_(0x9fc00).u32_(1).u32_(0);
  b.u64_(0x100000).u64_(0x1fee0000).u32_(1).u32_(0);
  b.u64_(0x1ffe0000).u64_(0x20000).u32_(77).u32_(0);
  b.end();
  b.begin(8), b.u64_(0xb8000).u32_(160).u32_(80).u32_(25).u8_(16).u8_(2).u8_(0).u8_(0), b.end();
  b.begin(14), b.text("RSD PTR 0123456789a"), b.end();
  b.begin(15), b.text("RSD PTR 0123456789abcdefghijklmnopq"), b.end();
  b.begin(99), b.text("a tag of the future"), b.end();
  return b.finish();
}

// A copy that ends where the heap's red zone starts, so that the sanitizers see every overrun.
Result<void> parse(const std::vector<u8>& bytes, BootInfo& info) {
  std::unique_ptr<u8[]> exact(new u8[bytes.size()]);
  std::memcpy(exact.get(), bytes.data(), bytes.size());
  return parse_boot_info({exact.get(), bytes.size()}, info);
}

}  // namespace

TEST_CASE("boot info: every tag is read") {
  BootInfo info;
  REQUIRE(parse(example(), info));
  CHECK(std::string_view{info.command_line} == "tokens=20 temp=0");
  CHECK(std::string_view{info.loader} == "GRUB 2.06");
  REQUIRE(info.module_count == 2);
  CHECK(std::string_view{info.modules[0].name} == "program");
  CHECK(info.modules[0].end - info.modules[0].start == 16);
  CHECK(std::string_view{info.modules[1].name} == "model");
  REQUIRE(info.memory_count == 3);
  CHECK(info.memory[1].start == 0x100000);
  CHECK(info.memory[1].bytes == 0x1fee0000);
  CHECK(info.memory[1].kind == MemoryRange::Kind::Usable);
  CHECK(info.memory[2].kind == MemoryRange::Kind::Reserved);
  CHECK(info.screen.address == 0xb8000);
  CHECK(info.screen.columns == 80);
  CHECK(info.screen.rows == 25);
  CHECK(info.acpi_root_pointer_bytes == 36);
}

TEST_CASE("boot info: a screen of pixels") {
  Builder b;
  b.begin(8), b.u64_(0xfd000000).u32_(5120).u32_(1280).u32_(800).u8_(32).u8_(1).u8_(0).u8_(0);
  b.u8_(16).u8_(8).u8_(8).u8_(7).u8_(0).u8_(6), b.end();
  BootInfo info;
  REQUIRE(parse(b.finish(), info));
  CHECK(info.screen.address == 0);
  CHECK(info.pixels.address == 0xfd000000);
  CHECK(info.pixels.pitch_bytes == 5120);
  CHECK(info.pixels.width == 1280);
  CHECK(info.pixels.height == 800);
  CHECK(info.pixels.bits == 32);
  CHECK((info.pixels.red.position == 16 && info.pixels.red.bits == 8));
  CHECK((info.pixels.green.position == 8 && info.pixels.green.bits == 7));
  CHECK((info.pixels.blue.position == 0 && info.pixels.blue.bits == 6));

  // Without its colours it is refused; with a palette it is left alone.
  Builder cut, palette;
  cut.begin(8), cut.u64_(0xfd000000).u32_(5120).u32_(1280).u32_(800).u8_(32).u8_(1).u8_(0).u8_(0), cut.end();
  BootInfo other;
  CHECK_FALSE(parse(cut.finish(), other));
  palette.begin(8), palette.u64_(1).u32_(1).u32_(1).u32_(1).u8_(8).u8_(0).u8_(0).u8_(0), palette.end();
  BootInfo third;
  REQUIRE(parse(palette.finish(), third));
  CHECK((third.pixels.address == 0 && third.screen.address == 0));
}

TEST_CASE("boot info: cut anywhere it is refused") {
  const auto whole = example();
  for (usize bytes = 0; bytes < whole.size(); ++bytes) {
    auto cut = whole;
    cut.resize(bytes);
    BootInfo info;
    CHECK_FALSE(parse(cut, info));
    // And with a header that agrees with the length: the end tag is missing.
    if (bytes < 8) continue;
    const auto total = static_cast<u32>(bytes);
    std::memcpy(cut.data(), &total, sizeof total);
    BootInfo other;
    CHECK_FALSE(parse(cut, other));
  }
}

TEST_CASE("boot info: damaged bytes are refused or read, never overrun") {
  const auto whole = example();
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    auto damaged = whole;
    for (u32 n = 1 + random() % 4; n > 0; --n) {
      constexpr u8 kNasty[] = {0, 1, 7, 8, 0x7f, 0x80, 0xff};
      damaged[random() % damaged.size()] =
          random() % 2 ? kNasty[random() % sizeof kNasty] : static_cast<u8>(random());
    }
    BootInfo info;
    if (!parse(damaged, info)) continue;
    REQUIRE(info.module_count <= BootInfo::kMaxModules);
    REQUIRE(info.memory_count <= BootInfo::kMaxMemoryRanges);
    for (const Module& m : info.module_list()) {
      REQUIRE(m.start <= m.end);
      REQUIRE(std::memchr(m.name, 0, sizeof m.name) != nullptr);
    }
    for (const MemoryRange& r : info.memory_ranges()) REQUIRE(r.start + r.bytes >= r.start);
    REQUIRE(std::memchr(info.command_line, 0, sizeof info.command_line) != nullptr);
  }
}

TEST_CASE("boot info: too many modules, too long a line") {
  Builder many;
  for (usize i = 0; i <= BootInfo::kMaxModules; ++i)
    many.begin(3), many.u32_(1).u32_(2).text("m"), many.end();
  BootInfo info;
  CHECK_FALSE(parse(many.finish(), info));

  Builder longer;
  longer.begin(1), longer.text(std::string(BootInfo::kMaxCommandLine, 'x').c_str()), longer.end();
  BootInfo other;
  CHECK_FALSE(parse(longer.finish(), other));
}

TEST_CASE("boot options: words become lines, sources follow each other") {
  static OptionsText text;
  text.add_words("quiet NO_COLOR tokens=5  temp=0 ");
  text.add_lines("seed=1\nseed=2\n");
  std::memcpy(text.add_room(5), "seed=", 5);
  CHECK(text.view() == "NO_COLOR=1\ntokens=5\ntemp=0\nseed=1\nseed=2\n\nseed=\n");
  CHECK_FALSE(text.overflowed());
  CHECK(text.add_room(OptionsText::capacity()) == nullptr);
  CHECK(text.overflowed());
}
