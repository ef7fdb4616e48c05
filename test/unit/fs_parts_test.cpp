// What the file systems are made of, each by itself. Whole volumes: fs_tools_test.py,
// fs_crash_test.py.
#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "../support/fs_devices.h"
#include "../support/fs_images.h"
#include "runtime/fs/crc32.h"
#include "runtime/fs/fat_directory.h"
#include "runtime/fs/fat_volume.h"
#include "runtime/fs/memory_device.h"
#include "runtime/fs/partitions.h"
#include "runtime/fs/unicode.h"
#include "runtime/fs/volumes.h"

namespace {

using namespace bf;
using namespace bf::fs;

std::vector<u8> pattern(usize bytes) {
  std::vector<u8> v(bytes);
  for (usize i = 0; i < bytes; ++i) v[i] = static_cast<u8>(i * 7 + i / 256);
  return v;
}

std::string text(const Text& t) {
  return std::string(t.view());
}

}  // namespace

TEST_CASE("any bytes can be read and written, and drivers see whole, aligned sectors") {
  for (u32 sector : {512u, 2048u, 4096u}) {
    const std::vector<u8> image = pattern(10 * 4096);
    test::RecordingDevice disk(image, sector);
    for (u64 offset : {0ul, 1ul, 511ul, 512ul, 4095ul, 4096ul, 5000ul})
      for (u64 bytes : {0ul, 1ul, 512ul, 513ul, 4096ul, 9000ul, 20000ul}) {
        std::vector<u8> buffer(bytes + 1);
        REQUIRE(disk.read(offset, std::span(buffer).subspan(1)));
        REQUIRE(
            std::equal(buffer.begin() + 1, buffer.end(), image.begin() + static_cast<i64>(offset)));
        std::vector<u8> expected = disk.image();
        for (u64 i = 0; i < bytes; ++i)
          expected[offset + i] = buffer[i + 1] = static_cast<u8>(i ^ offset);
        REQUIRE(disk.write(offset, std::span<const u8>(buffer).subspan(1)));
        REQUIRE(disk.image() == expected);
        REQUIRE(disk.write(0, image));
      }
  }
}

TEST_CASE("transfers beyond the end of a device are refused, also those that overflow") {
  test::RecordingDevice disk(pattern(8192), 512);
  u8 buffer[512];
  CHECK_FALSE(disk.read(8192, buffer));
  CHECK_FALSE(disk.read(7681, buffer));
  CHECK_FALSE(disk.read(~u64{0} - 100, buffer));
  CHECK_FALSE(disk.write(~u64{0} - 511, buffer));
  CHECK(disk.read(7680, buffer));
  Slice part(disk, 4, 2);
  CHECK_FALSE(part.read(1024, buffer));
  REQUIRE(part.read(512, buffer));
  CHECK(std::equal(buffer, buffer + 512, disk.image().begin() + 5 * 512));
}

TEST_CASE("large aligned reads are one transfer") {
  test::RecordingDevice disk(pattern(1 << 20), 512);
  Pages buffer(1 << 20);
  REQUIRE(disk.read(0, buffer.span()));
  CHECK(disk.reads == 1);
}

TEST_CASE("CRC-32") {
  const char* check = "123456789";
  CHECK(crc32({reinterpret_cast<const u8*>(check), 9}) == 0xcbf43926);
}

TEST_CASE("UTF-16 to UTF-8 and back") {
  for (std::string_view s :
       {"plain", "\xc3\xa9t\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80 face"}) {
    std::vector<u16> units;
    REQUIRE(to_utf16(s, units));
    Text back;
    append_utf16(back, units);
    CHECK(back.view() == s);
  }
  std::vector<u16> units;
  for (std::string_view s :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"})
    CHECK_FALSE(to_utf16(s, units));
  Text lone;
  const u16 surrogate[] = {'a', 0xd800, 'b', 0xdc00};
  append_utf16(lone, surrogate);
  CHECK(lone.view() ==
        "a\xef\xbf\xbd"
        "b\xef\xbf\xbd");
}

TEST_CASE("names are the same whatever their case") {
  CHECK(same_name("Model.GGUF", "model.gguf"));
  CHECK(same_name("\xc3\x89T\xc3\x89", "\xc3\xa9t\xc3\xa9"));  // É
  CHECK(same_name("\xd0\x96", "\xd0\xb6"));                    // Ж
  CHECK(same_name("\xce\xa9", "\xcf\x89"));                    // Ω
  CHECK(same_name("\xc5\xbd", "\xc5\xbe"));                    // Ž
  CHECK_FALSE(same_name("a", "ab"));
  CHECK_FALSE(same_name("\xc3\x97", "\xc3\xb7"));  // × and ÷ are no letters
}

TEST_CASE("a directory in memory takes names, replaces and removes them") {
  FatDirectory directory(std::vector<u8>(4096), 32);
  const DateTime time{2026, 11, 21, 18, 5, 6};
  REQUIRE(directory.put("README.TXT", {.first = 5, .bytes = 10, .time = time}, 512));
  REQUIRE(directory.put("a long name.txt", {.first = 0x123456, .bytes = 20, .time = time}, 512));
  REQUIRE(directory.put("A Long Name 2.txt", {.first = 7, .bytes = 30, .time = time}, 512));
  CHECK(directory.find("readme.txt")->first == 5);
  CHECK(directory.find("A LONG NAME.TXT")->first == 0x123456);
  CHECK(text(directory.find("ALONGN~2.TXT")->name) == "A Long Name 2.txt");
  REQUIRE(directory.put("a LONG name.txt", {.first = 9, .bytes = 21, .time = time}, 512));
  CHECK(directory.find("a long name.txt")->first == 9);
  CHECK(text(directory.find("a long name.txt")->name) == "a long name.txt");
  directory.remove(*directory.find("a long name.txt"));
  CHECK_FALSE(directory.find("a long name.txt"));
  FatDirectory::Item item;
  u32 at = 0, names = 0;
  while (directory.next(at, item)) ++names;
  CHECK(names == 2);
  // The day and the time as the format has them.
  CHECK(get16(directory.slot_at(0) + slot::kWrittenDate) == ((2026 - 1980) << 9 | 11 << 5 | 21));
  CHECK(get16(directory.slot_at(0) + slot::kWrittenTime) == (18 << 11 | 5 << 5 | 3));
}

TEST_CASE("a name like the volume's label keeps all its letters") {
  FatDirectory directory(std::vector<u8>(512), 32);
  std::memcpy(directory.slot_at(0), "BAREFLOW   \x08", 12);
  REQUIRE(directory.put("BAREFLOW", {.attributes = kDirectory, .first = 3, .bytes = 0, .time = {}},
                        512));
  REQUIRE(directory.find("bareflow"));
  CHECK(text(directory.find("bareflow")->name) == "BAREFLOW");
}

TEST_CASE("a directory that is full says so, and stays as it was") {
  FatDirectory directory(std::vector<u8>(512), 32);
  u32 names = 0;
  while (directory.put("name number " + std::to_string(names), {.bytes = names, .time = {}}, 512))
    ++names;
  CHECK(names == 8);  // of two slots each
  for (u32 i = 0; i < names; ++i)
    CHECK(directory.find("name number " + std::to_string(i))->bytes == i);
  directory.bytes().resize(1024);
  CHECK(directory.put("name number 8", {.bytes = 8, .time = {}}, 512));
}

TEST_CASE("pieces of long names that do not belong together are no name") {
  FatDirectory directory(std::vector<u8>(512), 32);
  REQUIRE(directory.put("a name of several slots.txt", {.bytes = 1, .time = {}}, 512));
  const std::vector<u8> good = directory.bytes();
  for (u32 byte : {0u, 13u, 45u, 64u, 96u + 3}) {  // numbers of pieces, checksums, the short name
    FatDirectory bad(good, 32);
    bad.slot_at(0)[byte] ^= 4;
    CHECK_FALSE(bad.find("a name of several slots.txt"));
    FatDirectory::Item item;
    u32 at = 0;
    CHECK(bad.next(at, item));  // still there, by its short name
  }
}

TEST_CASE("a long name that could tell a terminal what to do is none") {
  FatDirectory directory(std::vector<u8>(512), 32);
  REQUIRE(directory.put("a name of several slots.txt", {.bytes = 1, .time = {}}, 512));
  for (const u8 control : {0x01, 0x1b, 0x7f}) {
    FatDirectory bad(directory.bytes(), 32);
    bad.slot_at(0)[1] = control;  // a unit of the last piece
    FatDirectory::Item item;
    u32 at = 0;
    REQUIRE(bad.next(at, item));
    CHECK(item.name.view().find(static_cast<char>(control)) == std::string_view::npos);
  }
}

TEST_CASE("names that FAT does not have are refused") {
  for (const char* name : {"", ".", "..", "a:b", "a*", "tab\t", "ends.", "ends ", "\xff"})
    CHECK(name_problem(name));
  CHECK(name_problem(std::string(256, 'x')));
  for (const char* name : {"a", "a.b.c", "with space", "\xc3\xa9", ".hidden"})
    CHECK_FALSE(name_problem(name));
  CHECK_FALSE(name_problem(std::string(255, 'x')));
}

TEST_CASE("an extended partition whose list goes in circles ends") {
  std::vector<u8> image(2048 * 512);
  auto entry = [&](u32 sector, u32 i, u8 type, u32 first, u32 count) {
    u8* e = &image[sector * 512 + 446 + i * 16];
    e[4] = type;
    put32(e + 8, first);
    put32(e + 12, count);
    put16(&image[sector * 512 + 510], 0xaa55);
  };
  entry(0, 0, 0x0c, 64, 100);
  entry(0, 1, 0x0f, 200, 1000);
  entry(200, 0, 0x83, 10, 20);
  entry(200, 1, 0x05, 0, 0);
  MemoryDevice disk("disk", image, 512);
  CHECK(find_partitions(disk).partitions.size() == 2);
  entry(200, 1, 0x05, 100, 100);
  entry(300, 0, 0x83, 5, 6);
  entry(300, 1, 0x05, 100, 100);  // itself
  auto table = find_partitions(disk);
  CHECK(table.partitions.size() < 200);
  CHECK(table.notes.view().find("circles") != std::string_view::npos);
}

TEST_CASE("partitions that reach beyond the disk are left out") {
  std::vector<u8> image(100 * 512);
  u8* e = &image[446];
  e[4] = 0x0c;
  put32(e + 8, 50);
  put32(e + 12, 51);
  put16(&image[510], 0xaa55);
  MemoryDevice disk("disk", image, 512);
  auto table = find_partitions(disk);
  CHECK(table.partitions.empty());
  CHECK(!table.notes.view().empty());
}

TEST_CASE("a file of several extents is one file") {
  for (const bool rock_ridge : {false, true}) {
    std::vector<u8> image = test::IsoBuilder(rock_ridge, false).build();
    MemoryDevice disk("disc", image, 2048);
    Volumes volumes;
    volumes.add(disk);
    REQUIRE(volumes.all().size() == 1);
    auto entry = volumes.all()[0].system->find("big");
    REQUIRE(entry);
    CHECK(entry->bytes == 2098);
    auto file = volumes.all()[0].system->open(*entry);
    REQUIRE(file);
    std::vector<u8> bytes(100);
    REQUIRE(file->read(1998, bytes));
    CHECK(std::count(bytes.begin(), bytes.end(), 'b') == 50);
    CHECK(std::count(bytes.begin(), bytes.end(), 'c') == 50);
  }
}

TEST_CASE("Rock Ridge names in pieces, and continued in another block") {
  std::vector<u8> image = test::IsoBuilder(true, true).build();
  MemoryDevice disk("disc", image, 2048);
  Volumes volumes;
  volumes.add(disk);
  auto models = volumes.models();
  REQUIRE(models.size() == 2);
  CHECK(text(models[0].path) == "model.gguf");
  CHECK(text(models[1].path) == "sub/else.gguf");
  for (usize at = 0; at + 9 < image.size(); ++at)
    if (std::memcmp(&image[at], "else.gguf", 9) == 0) image[at] = 0x1b;
  Volumes odd;
  odd.add(disk);
  models = odd.models();
  REQUIRE(models.size() == 2);
  CHECK(text(models[1].path) == "sub/_lse.gguf");
}

TEST_CASE("directories that contain each other are listed once") {
  std::vector<u8> image = test::filled_fat({.bits = 32, .clusters = 300, .switched = true});
  MemoryDevice disk("disk", image, 512);
  auto volume = FatVolume::open(disk);
  REQUIRE(volume);
  const u32 deeper = static_cast<u32>((*volume)->find("models/deeper")->place);
  const u32 models = static_cast<u32>((*volume)->find("models")->place);
  FatDirectory directory(std::vector<u8>(512), 32);
  directory.put_dots(deeper, models, {});
  REQUIRE(directory.put("up", {.attributes = kDirectory, .first = models, .bytes = 0, .time = {}},
                        512));
  REQUIRE(directory.put("self", {.attributes = kDirectory, .first = deeper, .bytes = 0, .time = {}},
                        512));
  REQUIRE(directory.put("m.gguf", {.first = 5, .bytes = 1, .time = {}}, 512));
  REQUIRE(disk.write((*volume)->geometry().offset_of(deeper), directory.bytes()));
  Volumes volumes;
  volumes.add(disk);
  CHECK(volumes.models().size() == 2);  // this one, and the one in the root
}

TEST_CASE("a chain that goes in circles is refused") {
  std::vector<u8> image = test::filled_fat({.bits = 32, .clusters = 300, .fats = 1});
  MemoryDevice disk("disk", image, 512);
  auto volume = FatVolume::open(disk);
  REQUIRE(volume);
  REQUIRE((*volume)->write_file("long", std::vector<u8>(15000)));
  auto entry = (*volume)->find("long");
  REQUIRE(entry);
  const u32 first = static_cast<u32>(entry->place);
  u8* fat = image.data() + (*volume)->geometry().fat_offset;
  for (u32 target : {first, first + 1, 0u, 1u, 0x0ffffff7u, 400u}) {
    put32(fat + (first + 2) * 4, target);
    auto again = FatVolume::open(disk);
    CHECK_FALSE((*again)->open(*entry));
  }
  put32(fat + (first + 2) * 4, first + 3);
  auto again = FatVolume::open(disk);
  CHECK((*again)->open(*entry));
}

TEST_CASE(
    "a write that fails leaves the old file, and nothing is written after a commit that failed") {
  for (const bool switched : {true, false}) {
    const std::vector<u8> start =
        test::filled_fat({.bits = 32, .clusters = 300, .switched = switched});
    const std::vector<u8> content(1500, 'n');
    bool finished = false;
    for (u64 writes = 0; !finished; ++writes) {
      test::RecordingDevice disk(start, 512);
      auto volume = FatVolume::open(disk);
      REQUIRE(volume);
      disk.writes_left = writes;
      finished = static_cast<bool>((*volume)->write_file("BAREFLOW/history", content));
      disk.writes_left = ~u64{0};
      const auto bytes = [](FatVolume& v) { return v.find("BAREFLOW/history")->bytes; };
      if (finished) {
        CHECK(bytes(**volume) == 1500);
        break;
      }
      auto again = FatVolume::open(disk);
      REQUIRE(again);
      CHECK((bytes(**again) == 3000 || bytes(**again) == 1500));
      CHECK((*again)->write_file("BAREFLOW/history", content));
    }
  }
}

TEST_CASE("data of large files is read in one transfer per run") {
  std::vector<u8> start = test::empty_fat({.bits = 32, .clusters = 8000, .fats = 1});
  test::RecordingDevice disk(std::move(start), 512);
  auto volume = FatVolume::open(disk);
  REQUIRE(volume);
  const std::vector<u8> content = pattern(2 << 20);
  REQUIRE((*volume)->write_file("model.gguf", content));
  auto file = (*volume)->open(*(*volume)->find("MODEL.gguf"));
  REQUIRE(file);
  CHECK(file->extents().size() == 1);
  Pages buffer(2 << 20);
  disk.reads = 0;
  REQUIRE(file->read(0, buffer.span()));
  CHECK(disk.reads == 1);
  CHECK(std::equal(content.begin(), content.end(), buffer.data()));
}

TEST_CASE("a reserved file is written over in place, and stays") {
  test::RecordingDevice disk(test::filled_fat({.bits = 32, .clusters = 300, .switched = true}),
                             512);
  Volumes volumes;
  volumes.add(disk);
  FileStore store(volumes);
  REQUIRE(store);
  auto record = store.reserve("crash", 4096);
  REQUIRE(record);
  Pages text(1024);
  std::fill_n(text.data(), 1024, 'c');
  disk.log.clear();
  disk.reads = 0;
  REQUIRE(record->overwrite(512, text.span()));
  CHECK(disk.reads == 0);
  REQUIRE(disk.log.size() == 3);  // two sectors, one flush
  CHECK_FALSE(record->overwrite(4000, text.span()));
  auto again = store.reserve("crash", 4096);
  REQUIRE(again);
  CHECK(again->extents()[0].offset == record->extents()[0].offset);
  auto bytes = store.read("CRASH");
  REQUIRE(bytes);
  CHECK(std::count(bytes->begin(), bytes->end(), 'c') == 1024);
  CHECK(std::count(bytes->begin(), bytes->end(), 0) == 3072);
  REQUIRE(store.reserve("crash", 1000));
  CHECK(store.read("crash")->size() == 1000);
}

TEST_CASE("the store is on our volume before others, and dates come from the clock") {
  std::vector<u8> other = test::filled_fat({.bits = 16, .clusters = 4100});
  std::vector<u8> ours =
      test::in_gpt(test::filled_fat({.bits = 32, .clusters = 300, .switched = true}));
  MemoryDevice first("first", other, 512), second("second", ours, 512),
      locked("locked", ours, 512, false);
  {
    Volumes volumes;
    volumes.add(locked);
    CHECK_FALSE(FileStore(volumes));
    volumes.add(first);
    CHECK(FileStore(volumes).place() == "first");
  }
  Volumes volumes;
  volumes.add(first);
  volumes.add(second);
  FileStore store(volumes);
  REQUIRE(store.place() == "second, partition 1");
  volumes.set_clock([] { return DateTime{2031, 2, 3, 4, 5, 6}; });
  REQUIRE(store.replace("history", pattern(10)));
  CHECK(*store.read("history") == pattern(10));
  CHECK(volumes.models().size() == 4);
  const u8 date[] = {0x43, 0x66};  // (2031 - 1980) << 9 | 2 << 5 | 3
  CHECK(std::search(ours.begin(), ours.end(), date, date + 2) != ours.end());
  REQUIRE(store.remove("history"));
  CHECK_FALSE(store.read("history"));
}

TEST_CASE("a record of two tables that cannot be is not believed") {
  const std::vector<u8> good = test::empty_fat({.bits = 32, .clusters = 300, .switched = true});
  REQUIRE(parse_boot_sector(good.data(), good.size())->switched);
  const auto believed = [&](u32 first, u32 length) {
    std::vector<u8> image = good;
    u8* s = image.data();
    put32(s + boot_sector::kSwitch + 8, first);
    put32(s + boot_sector::kSwitch + 12, length);
    put32(s + boot_sector::kSwitch + 16, switch_checksum(s));
    put16(s + boot_sector::kReserved, first);
    put32(s + boot_sector::kFatSectors, 2 * length);
    const auto geometry = parse_boot_sector(s, u64{1} << 40);
    return geometry && geometry->switched;
  };
  CHECK(believed(8, 3));
  CHECK_FALSE(believed(8, 1));        // shorter than its clusters need
  CHECK_FALSE(believed(7, 3));        // over the second backup of the first sector
  CHECK_FALSE(believed(0xfff0, 16));  // the second one begins where the first sector cannot say
  std::vector<u8> damaged = good;
  damaged[boot_sector::kSwitch + 8] ^= 1;
  CHECK_FALSE(parse_boot_sector(damaged.data(), damaged.size())->switched);
}
