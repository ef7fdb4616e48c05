#include "runtime/fs/fat_geometry.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "runtime/fs/crc32.h"

namespace bf::fs {

u32 switch_checksum(const u8* sector) {
  return crc32({sector + boot_sector::kSwitch, 16});
}

namespace {

constexpr u32 kFat12Limit = 4085, kFat16Limit = 65525;
constexpr u32 kEntryBytes = 32;
constexpr u32 kBootCode = 90;  // of FAT32

bool power_of_two(u32 n) {
  return n != 0 && (n & (n - 1)) == 0;
}

bool are_possible(const SwitchedTables& tables, const FatGeometry& g) {
  return tables.first >= SwitchedTables::kLeastFirst && tables.first <= 0xffff &&
         tables.length <= 0xffff && tables.fat_start(1) <= 0xffff &&
         u64{tables.length} * g.sector_bytes >= (u64{g.clusters} + 2) * 4;
}

// The record of a switched volume, if it agrees with the rest of the sector: it says where to
// write.
std::optional<SwitchedTables> parse_switch(const u8* s, const FatGeometry& g) {
  const u8* record = s + boot_sector::kSwitch;
  if (std::memcmp(record, SwitchedTables::kMagic, 8) != 0) return {};
  if (get32(record + 16) != switch_checksum(s)) return {};
  SwitchedTables tables{.first = get32(record + 8), .length = get32(record + 12)};
  if (!are_possible(tables, g)) return {};
  for (u32 set = 0; set < 2; ++set) {
    tables.current = set;
    if (get16(s + boot_sector::kReserved) == tables.fat_start(set) &&
        get32(s + boot_sector::kFatSectors) == tables.fat_sectors(set) &&
        s[boot_sector::kFats] == 1)
      return tables;
  }
  return {};
}

bool parse_fat32(const u8* s, FatGeometry& g) {
  g.bits = 32;
  g.root_cluster = get32(s + boot_sector::kRootCluster);
  if (!g.is_cluster(g.root_cluster)) return false;
  const u32 info = get16(s + boot_sector::kInfoSector);
  const u32 reserved = get16(s + boot_sector::kReserved);
  g.info_sector = info != 0 && info < reserved ? info : 0;
  const u32 flags = get16(s + 40);
  if ((flags & 0x80) != 0) {
    g.mirrored = false;
    g.active_fat = flags & 0xf;
    if (g.active_fat >= g.fats) return false;
  }
  std::memcpy(g.label, s + 71, sizeof g.label);
  g.switched = parse_switch(s, g);
  return true;
}

// Code that only says so, as mkfs.fat's does, or none at all.
bool starts_nothing(const u8* s) {
  constexpr std::string_view kWords = "This is not a bootable disk";
  const std::string_view code(reinterpret_cast<const char*>(s) + kBootCode,
                              boot_sector::kSignature - kBootCode);
  return code.find(kWords) != code.npos || code.find_first_not_of('\0') == code.npos;
}

}  // namespace

std::optional<SwitchedTables> switchable(const u8* s, const FatGeometry& g) {
  const SwitchedTables tables{.first = get16(s + boot_sector::kReserved),
                              .length = get32(s + boot_sector::kFatSectors)};
  const bool usual = g.bits == 32 && g.fats == 2 && g.mirrored &&
                     g.info_sector == SwitchedTables::info_sector(0) &&
                     get16(s + boot_sector::kBackupSector) == SwitchedTables::backup_sector(0);
  if (!usual || !are_possible(tables, g) || !starts_nothing(s)) return {};
  return tables;
}

void put_switch(u8* s, const SwitchedTables& tables, u32 set, u32 root_cluster) {
  s[boot_sector::kFats] = 1;
  put16(s + boot_sector::kReserved, tables.fat_start(set));
  put32(s + boot_sector::kFatSectors, tables.fat_sectors(set));
  put32(s + boot_sector::kRootCluster, root_cluster);
  put16(s + boot_sector::kInfoSector, SwitchedTables::info_sector(set));
  put16(s + boot_sector::kBackupSector, SwitchedTables::backup_sector(set));
  constexpr u8 kCode[] = {0xcd, 0x18, 0xf4, 0xeb, 0xfd};  // int 0x18: the next disk; then halt
  std::memcpy(s + kBootCode, kCode, sizeof kCode);
  u8* record = s + boot_sector::kSwitch;
  std::memcpy(record, SwitchedTables::kMagic, 8);
  put32(record + 8, tables.first);
  put32(record + 12, tables.length);
  put32(record + 16, switch_checksum(s));
}

std::optional<FatGeometry> parse_boot_sector(const u8* s, u64 device_bytes) {
  if (get16(s + boot_sector::kSignature) != 0xaa55 || (s[0] != 0xeb && s[0] != 0xe9)) return {};
  FatGeometry g;
  g.sector_bytes = get16(s + 11);
  const u32 sectors_per_cluster = s[13], reserved = get16(s + boot_sector::kReserved);
  g.fats = s[boot_sector::kFats];
  g.root_entries = get16(s + 17);
  const u32 fat16_sectors = get16(s + 22);
  const u32 fat_sectors = fat16_sectors != 0 ? fat16_sectors : get32(s + boot_sector::kFatSectors);
  const u64 sectors = get16(s + 19) != 0 ? get16(s + 19) : get32(s + 32);
  if (!power_of_two(g.sector_bytes) || g.sector_bytes < 512 || g.sector_bytes > 4096) return {};
  if (!power_of_two(sectors_per_cluster) || reserved == 0 || g.fats == 0 || g.fats > 4) return {};
  if (fat_sectors == 0 || sectors * g.sector_bytes > device_bytes) return {};

  g.cluster_bytes = sectors_per_cluster * g.sector_bytes;
  g.fat_offset = u64{reserved} * g.sector_bytes;
  g.fat_bytes = u64{fat_sectors} * g.sector_bytes;
  g.root_offset = g.fat_offset + g.fats * g.fat_bytes;
  g.data_offset = g.root_offset + align_up<u64>(u64{g.root_entries} * kEntryBytes, g.sector_bytes);
  if (g.data_offset >= sectors * g.sector_bytes) return {};
  const u64 clusters = (sectors * g.sector_bytes - g.data_offset) / g.cluster_bytes;
  const u32 bits = fat16_sectors == 0 ? 32 : clusters < kFat12Limit ? 12 : 16;
  if (bits == 16 && clusters >= kFat16Limit) return {};
  // Numbers of clusters end where the marks begin, and where the table does.
  g.clusters = static_cast<u32>(std::min({clusters, g.fat_bytes * 8 / bits - 2, u64{0x0ffffff5}}));
  if (g.clusters == 0) return {};
  if (bits == 32) return parse_fat32(s, g) ? std::optional(g) : std::nullopt;
  g.bits = bits;
  if (g.root_entries == 0) return {};
  if (s[38] == 0x29) std::memcpy(g.label, s + 43, sizeof g.label);
  return g;
}

}  // namespace bf::fs
