// Writing to switched volumes: everything anew, then one sector. fat_volume.h says why.
#include <algorithm>
#include <cstring>

#include "runtime/fs/fat_volume.h"

namespace bf::fs {

namespace {

constexpr u32 kMaxDepth = 32;

void put_info_sector(u8* s, u32 free) {
  std::memset(s, 0, 512);
  put32(s, 0x41615252);
  put32(s + 484, 0x61417272);
  put32(s + 488, free);
  put32(s + 492, 0xffffffff);  // where the next free cluster is: not known
  put32(s + 508, 0xaa550000);
}

}  // namespace

// Makes the table that is not in force the same as the one that is. Another system may have written
// to the volume, and knows of one table only.
Result<void> FatVolume::synchronise() {
  const SwitchedTables& tables = *geometry_.switched;
  const u64 sector = geometry_.sector_bytes;
  if (auto ok = table_.copy_to(tables.fat_start(1 - tables.current) * sector); !ok) return ok;
  auto free = table_.count_free();
  if (!free) return free.error();
  free_ = *free;
  behind_.clear();
  return {};
}

// A volume with two FATs that are the same is one with room for a second set: FAT 1 is put in force
// alone, as it is, by the first sector.
Result<void> FatVolume::adopt() {
  u8 sector[boot_sector::kBytes];
  if (auto ok = device_.read(0, sector); !ok) return ok;
  const auto tables = switchable(sector, geometry_);
  if (!tables) return {};
  // Where the other FSINFO goes a system's code might go on.
  u8 next[boot_sector::kBytes];
  if (auto ok = device_.read(u64{tables->info_sector(1)} * geometry_.sector_bytes, next); !ok)
    return ok;
  if (std::any_of(next, next + boot_sector::kSignature - 2, [](u8 byte) { return byte != 0; }))
    return {};
  auto same = table_.is_same(u64{tables->fat_start(1)} * geometry_.sector_bytes);
  if (!same) return same.error();
  if (!*same) return {};
  auto free = table_.count_free();
  if (!free) return free.error();
  free_ = *free;
  geometry_.switched = tables;
  broken_ = true;
  if (auto ok = write_other_set(1, geometry_.root_cluster); !ok) return ok;
  broken_ = false;
  return {};
}

// Writes the directory path[0] to other clusters, with the edit in the last one of the path, and
// with it every directory that names it or is named by it: its parent has its first cluster, and so
// has the
// ".." of each directory in it, unless it is the root, which ".." calls 0. Its new first cluster.
Result<u32> FatVolume::rewrite(std::span<const u32> path, u32 parent, const Edit* edit, u32 depth) {
  if (depth > kMaxDepth) return problem("directories are nested too deep");
  auto directory = read_directory(path[0]);
  if (!directory) return directory.error();
  if (path.size() == 1 && edit) {
    if (auto ok = apply(*directory, *edit); !ok) return ok.error();
  }
  auto runs = table_.allocate(clusters_for(directory->bytes().size()));
  if (!runs) return runs.error();
  const u32 self = runs->front().first;
  const bool is_root = depth == 0;
  FatDirectory::Item item;
  for (u32 at = 0; directory->next(at, item);) {
    if (!item.is_directory()) continue;
    const bool on_path = path.size() > 1 && item.first == path[1];
    if (is_root && !on_path) continue;
    const u32 alone[] = {item.first};
    auto child = rewrite(on_path ? path.subspan(1) : alone, is_root ? 0 : self,
                         on_path ? edit : nullptr, depth + 1);
    if (!child) return child.error();
    directory->set_first(directory->slot_at(item.slot), *child);
  }
  if (!is_root) directory->put_dots(self, parent, now());
  u64 at = 0;
  for (const ClusterRun& run : *runs) {
    const Extent extent = extent_of(run);
    if (auto ok =
            device_.write(extent.offset, std::span(directory->bytes()).subspan(at, extent.bytes));
        !ok)
      return ok.error();
    at += extent.bytes;
  }
  if (auto ok = table_.release(path[0]); !ok) return ok.error();
  return self;
}

// The tables, FSINFO and backup of the set that is to be in force, and then the first sector.
Result<void> FatVolume::write_other_set(u32 set, u32 root) {
  const SwitchedTables& tables = *geometry_.switched;
  const u64 table_offset = u64{tables.fat_start(set)} * geometry_.sector_bytes;
  const std::vector<FatTable::Change> changes = table_.all_changes();
  if (auto ok = table_.write(behind_, table_offset); !ok) return ok;
  if (auto ok = table_.write(changes, table_offset); !ok) return ok;
  for (const auto& change : changes) {
    auto old = table_.get_on_disk(change.cluster);
    if (!old) return old.error();
    free_ = free_ + (change.value == 0) - (*old == 0);
  }

  u8 sector[boot_sector::kBytes];
  put_info_sector(sector, free_);
  if (auto ok = device_.write(u64{tables.info_sector(set)} * geometry_.sector_bytes, sector); !ok)
    return ok;
  if (auto ok = device_.read(0, sector); !ok) return ok;
  put_switch(sector, tables, set, root);
  if (auto ok = device_.write(u64{tables.backup_sector(set)} * geometry_.sector_bytes, sector); !ok)
    return ok;
  if (auto ok = device_.flush(); !ok) return ok;
  if (auto ok = device_.write(0, sector); !ok) return ok;
  if (auto ok = device_.flush(); !ok) return ok;

  const auto geometry = parse_boot_sector(sector, device_.bytes());
  if (!geometry || !geometry->switched) return problem("the first sector changed meanwhile");
  geometry_ = *geometry;
  table_.move_to(geometry_.fat_offset);
  behind_ = changes;
  return {};
}

Result<void> FatVolume::commit_switch(const Place& place, const Edit& edit) {
  auto root = rewrite(place.directories, 0, &edit, 0);
  if (!root) return root.error();
  auto done = write_other_set(1 - geometry_.switched->current, *root);
  broken_ = !done;
  return done;
}

}  // namespace bf::fs
