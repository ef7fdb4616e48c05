// The first sector of a FAT volume: what lies where.
//
// Format: Microsoft, "FAT: General Overview of On-Disk Format", version 1.03, 2000. Whether a
// volume is FAT32 is told as Linux and fsck.fat do, by its 16-bit FAT size being 0; whether it is
// FAT12 or FAT16 by the number of its clusters.
#pragma once

#include <optional>

#include "runtime/fs/block_device.h"

namespace bf::fs {

// Offsets of fields in the first sector.
namespace boot_sector {
inline constexpr u32 kReserved = 14, kFats = 16, kFatSectors = 36, kRootCluster = 44,
                     kInfoSector = 48, kBackupSector = 50, kState16 = 37, kState32 = 65,
                     kSwitch = 96, kSignature = 510;
inline constexpr u32 kBytes = 512;
inline constexpr u8 kDirty = 1;  // in the state byte
}  // namespace boot_sector

// Where each of the two sets of tables of a switched volume lies (fat_volume.h), in sectors.
struct SwitchedTables {
  static constexpr u32 kRecordBytes = 20;  // at boot_sector::kSwitch: this, two numbers, a checksum
  static constexpr char kMagic[] = "BFSWITCH";

  u32 first = 0;    // sectors before the first FAT
  u32 length = 0;   // sectors of each FAT
  u32 current = 0;  // 0 or 1: which set is in force

  u32 fat_start(u32 set) const { return first + set * length; }
  u32 fat_sectors(u32 set) const { return set == 0 ? 2 * length : length; }
  static u32 info_sector(u32 set) { return 1 + set; }
  static u32 backup_sector(u32 set) { return 6 + set; }
  static constexpr u32 kLeastFirst = 8;
};

struct FatGeometry {
  u32 bits = 0;  // 12, 16 or 32
  u32 sector_bytes = 0;
  u32 cluster_bytes = 0;
  u32 fats = 0;
  u32 active_fat = 0;    // the one to read
  bool mirrored = true;  // whether the others are to be the same
  u32 clusters = 0;      // numbered from 2
  u32 root_cluster = 0;  // FAT32
  u32 root_entries = 0;  // FAT12 and FAT16
  u32 info_sector = 0;   // FAT32; 0: none
  u64 fat_offset = 0, fat_bytes = 0, root_offset = 0, data_offset = 0;  // in bytes
  u8 label[11] = {};
  std::optional<SwitchedTables> switched;

  bool is_cluster(u32 c) const { return c >= 2 && c - 2 < clusters; }
  u64 offset_of(u32 cluster) const { return data_offset + u64{cluster - 2} * cluster_bytes; }
  // What the table has for the end of a chain, and the least value that is read as one.
  u32 end_mark() const { return bits == 32 ? 0x0fffffff : (1u << bits) - 1; }
  u32 least_end_mark() const { return end_mark() - 7; }
  u32 bad_mark() const { return end_mark() - 8; }
  u32 state_at() const { return bits == 32 ? boot_sector::kState32 : boot_sector::kState16; }
};

// Nothing if the sector is none of a FAT volume that fits on the device.
std::optional<FatGeometry> parse_boot_sector(const u8* sector, u64 device_bytes);

// The checksum in the record of a switched volume.
u32 switch_checksum(const u8* sector);

// The sets of a FAT32 volume that others have made with two FATs, which are these sets then, if its
// first sector has nothing that a machine could start from.
std::optional<SwitchedTables> switchable(const u8* sector, const FatGeometry& geometry);

// Makes the sector that of a switched volume with one of its sets in force. Nothing starts from it.
void put_switch(u8* sector, const SwitchedTables& tables, u32 set, u32 root_cluster);

}  // namespace bf::fs
