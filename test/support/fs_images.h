// Small volumes and tables, made field by field: seeds for fuzzers, examples for tests.
#pragma once

#include <cstring>
#include <string_view>
#include <vector>

#include "runtime/fs/crc32.h"
#include "runtime/fs/fat_directory.h"
#include "runtime/fs/fat_geometry.h"
#include "runtime/fs/fat_volume.h"
#include "runtime/fs/memory_device.h"

namespace bf::test {

using Image = std::vector<u8>;

struct FatShape {
  u32 bits = 16;
  u32 clusters = 4100;
  u32 sectors_per_cluster = 1;
  u32 fats = 2;
  u32 root_entries = 64;
  bool switched = false;
};

// An empty FAT volume with sectors of 512 bytes.
inline Image empty_fat(const FatShape& shape) {
  using namespace fs;
  const u32 fat_sectors = ((shape.clusters + 2) * shape.bits / 8 + 511) / 512;
  const u32 reserved = shape.bits == 32 ? 8 : 1;
  const u32 tables = shape.switched ? 2 * fat_sectors : fat_sectors;
  const u32 root_sectors = shape.bits == 32 ? 0 : shape.root_entries / 16;
  const u32 fats = shape.switched ? 1 : shape.fats;
  const u32 sectors =
      reserved + fats * tables + root_sectors + shape.clusters * shape.sectors_per_cluster;
  Image image(usize{sectors} * 512);
  u8* s = image.data();
  s[0] = 0xeb;
  put16(s + 11, 512);
  s[13] = static_cast<u8>(shape.sectors_per_cluster);
  put16(s + 14, reserved);
  s[16] = static_cast<u8>(fats);
  put16(s + 17, shape.bits == 32 ? 0 : shape.root_entries);
  if (sectors < 65536)
    put16(s + 19, sectors);
  else
    put32(s + 32, sectors);
  s[21] = 0xf8;
  put16(s + 510, 0xaa55);
  if (shape.bits == 32) {
    put32(s + 36, tables);
    put32(s + 44, 2);
    put16(s + 48, 1);
    put16(s + 50, 6);
  } else {
    put16(s + 22, fat_sectors);
  }
  if (shape.switched) {
    std::memcpy(s + boot_sector::kSwitch, SwitchedTables::kMagic, 8);
    put32(s + boot_sector::kSwitch + 8, reserved);
    put32(s + boot_sector::kSwitch + 12, fat_sectors);
    put32(s + boot_sector::kSwitch + 16, switch_checksum(s));
  }
  for (u32 i = 0; i < fats; ++i) {
    u8* fat = s + (usize{reserved} + i * tables) * 512;
    if (shape.bits == 32) {
      put32(fat, 0x0ffffff8);
      put32(fat + 4, 0x0fffffff);
      put32(fat + 8, 0x0fffffff);
    } else {
      put32(fat, shape.bits == 16 ? 0xfffffff8 : 0x00fffff8);
    }
  }
  return image;
}

// The same with some files on it.
inline Image filled_fat(const FatShape& shape) {
  using namespace fs;
  Image image = empty_fat(shape);
  if (shape.bits == 12) {  // which we do not write: a file of two clusters
    u8* fat = image.data() + 512;
    fat[3] = 0x03;
    fat[4] = 0xf0;
    fat[5] = 0xff;
    const u32 fat_sectors = get16(image.data() + 22);
    u8* root = image.data() + (1 + usize{shape.fats} * fat_sectors) * 512;
    FatDirectory directory(Image(shape.root_entries * 32), 12);
    if (!directory.put("model.gguf", {.attributes = kArchive, .first = 2, .bytes = 700, .time = {}},
                       512))
      return {};
    std::copy(directory.bytes().begin(), directory.bytes().end(), root);
    return image;
  }
  MemoryDevice device("image", image, 512);
  auto volume = FatVolume::open(device);
  if (!volume) return {};
  const Image content(3000, 'x');
  for (const char* path : {"BAREFLOW", "models", "models/deeper"})
    if (!(*volume)->make_directory(path)) return {};
  for (const char* path : {"a model with a long name.gguf", "BAREFLOW/history",
                           "models/deeper/TINY.GGUF", "README.TXT"})
    if (!(*volume)->write_file(path, content)) return {};
  return image;
}

// A GPT with one partition that holds `volume`, and its backup.
inline Image in_gpt(const Image& volume) {
  using namespace fs;
  const u64 first = 40, count = volume.size() / 512, sectors = first + count + 33;
  Image image(sectors * 512);
  u8* mbr = image.data();
  mbr[446 + 4] = 0xee;
  put32(mbr + 446 + 8, 1);
  put32(mbr + 446 + 12, static_cast<u32>(sectors - 1));
  put16(mbr + 510, 0xaa55);
  auto put_table = [&](u64 header_at, u64 entries_at) {
    u8* e = image.data() + entries_at * 512;
    std::memset(e, 0x11, 32);
    put32(e + 32, static_cast<u32>(first));
    put32(e + 40, static_cast<u32>(first + count - 1));
    e[56] = 'A';
    u8* h = image.data() + header_at * 512;
    std::memcpy(h, "EFI PART\0\0\1\0", 12);
    put32(h + 12, 92);
    put32(h + 24, static_cast<u32>(header_at));
    put32(h + 72, static_cast<u32>(entries_at));
    put32(h + 80, 128);
    put32(h + 84, 128);
    put32(h + 88, crc32({e, 128 * 128}));
    put32(h + 16, crc32({h, 92}));
  };
  put_table(1, 2);
  put_table(sectors - 1, sectors - 33);
  std::copy(volume.begin(), volume.end(), image.begin() + static_cast<i64>(first * 512));
  return image;
}

// An MBR with a primary partition that holds `volume`, and two logical ones without anything.
inline Image in_mbr(const Image& volume) {
  using namespace fs;
  const u32 first = 8, count = static_cast<u32>(volume.size() / 512);
  Image image((usize{first} + count + 64) * 512);
  auto put = [&](u32 sector, u32 i, u8 type, u32 at, u32 length) {
    u8* e = image.data() + usize{sector} * 512 + 446 + i * 16;
    e[4] = type;
    put32(e + 8, at);
    put32(e + 12, length);
    put16(image.data() + usize{sector} * 512 + 510, 0xaa55);
  };
  put(0, 0, 0x0c, first, count);
  put(0, 1, 0x0f, first + count, 60);
  put(first + count, 0, 0x83, 2, 8);
  put(first + count, 1, 0x05, 20, 20);
  put(first + count + 20, 0, 0x83, 2, 8);
  std::copy(volume.begin(), volume.end(), image.begin() + first * 512);
  return image;
}

// A disc with one directory and three files, one of two extents, one with a name in two pieces.
class IsoBuilder {
 public:
  explicit IsoBuilder(bool rock_ridge, bool joliet) : rock_ridge_(rock_ridge), image_(32 * 2048) {
    descriptor(16, 1, 20);
    if (joliet) descriptor(17, 2, 21);
    at(joliet ? 18 : 17)[0] = 255;
    std::memcpy(at(joliet ? 18 : 17) + 1, "CD001\1", 6);
    directory(20, false);
    directory(21, true);
    for (u32 block : {24u, 25u, 26u})
      std::memset(at(block), static_cast<int>('a' + block - 24), 2048);
  }
  Image build() { return image_; }

 private:
  u8* at(u32 block) { return image_.data() + usize{block} * 2048; }

  void descriptor(u32 block, u8 type, u32 root) {
    u8* d = at(block);
    d[0] = type;
    std::memcpy(d + 1, "CD001\1", 6);
    std::memset(d + 40, ' ', 32);
    std::memcpy(d + 40, "BAREFLOW", 8);
    if (type == 2) std::memcpy(d + 88, "%/E", 3);
    fs::put16(d + 128, 2048);
    u8* place = d + 156;
    record(place, root, 2048, 2, std::string_view("\0", 1), {});
  }

  static void record(u8*& to, u32 block, u32 bytes, u8 flags, std::string_view name,
                     std::string_view system_use) {
    const usize name_end = 33 + name.size() + (name.size() % 2 == 0);
    to[0] = static_cast<u8>(name_end + system_use.size() + system_use.size() % 2);
    fs::put32(to + 2, block);
    fs::put32(to + 10, bytes);
    to[25] = flags;
    to[32] = static_cast<u8>(name.size());
    std::copy(name.begin(), name.end(), to + 33);
    std::copy(system_use.begin(), system_use.end(), to + name_end);
    to += to[0];
  }

  void directory(u32 block, bool joliet) {
    const bool rr = rock_ridge_ && !joliet;
    u8* to = at(block);
    record(to, block, 2048, 2, std::string_view("\0", 1),
           rr ? std::string_view("SP\7\1\xbe\xef\0", 7) : std::string_view());
    record(to, block, 2048, 2, std::string_view("\1", 1), {});
    const char kModel[] = "\0m\0y\0.\0g\0g\0u\0f\0;\0001";
    const auto name = [&](std::string_view plain, std::string_view wide) {
      return joliet ? wide : plain;
    };
    const auto piece = [&](std::string_view nm) { return rr ? nm : std::string_view(); };
    record(to, 24, 100, 0, name("MY.GGUF;1", {kModel, sizeof kModel - 1}),
           piece(std::string_view("NM\x0b\1\1model.NM\x09\1\0gguf", 20)));
    record(to, 25, 2048, 0x80, name("BIG.;1", {"\0B\0I\0G", 6}),
           piece(std::string_view("NM\x08\1\0big", 8)));
    record(to, 26, 50, 0, name("BIG.;1", {"\0B\0I\0G", 6}),
           piece(std::string_view("NM\x08\1\0big", 8)));
    record(to, 22, 2048, 2, name("SUB", {"\0S\0U\0B", 6}),
           piece(std::string_view("NM\x08\1\0sub", 8)));
    if (joliet) return;
    to = at(22);
    record(to, 22, 2048, 2, std::string_view("\0", 1), {});
    record(to, block, 2048, 2, std::string_view("\1", 1), {});
    // What Rock Ridge says of this one stands in another block.
    u8 elsewhere[29] = "CE\x1c\1";
    fs::put32(elsewhere + 4, 23);
    fs::put32(elsewhere + 20, 20);
    record(to, 24, 7, 0, "X.GGUF;1", piece({reinterpret_cast<char*>(elsewhere), 28}));
    std::memcpy(at(23), "NM\x0e\1\0else.gguf", 14);
  }

  bool rock_ridge_;
  Image image_;
};

}  // namespace bf::test
