// Writing to volumes that others have made: in an order that leaves every file whole, with clusters
// that belong to nothing at worst. fat_volume.h says more.
#include <algorithm>
#include <cstring>

#include "runtime/fs/fat_volume.h"

namespace bf::fs {

namespace {

constexpr u32 kMaxDepth = 32;

}  // namespace

// Finds the clusters that no file has, and frees them. Gives up, with the volume as it was, on a
// volume whose directories do not hold together: that is for a person and a tool to look at.
class FatReclaim {
 public:
  explicit FatReclaim(FatVolume& volume)
      : volume_(volume), used_(volume.geometry_.clusters / 8 + 1) {}

  Result<bool> run() {
    if (!mark_directory(volume_.root_first(), 0)) return false;
    std::vector<FatTable::Change> lost;
    const FatGeometry& g = volume_.geometry_;
    for (u32 c = 2; c < g.clusters + 2; ++c) {
      auto value = volume_.table_.get(c);
      if (!value) return value.error();
      if (*value != 0 && *value != g.bad_mark() && !is_used(c)) lost.push_back({c, 0});
    }
    for (u32 i = 0; g.mirrored && i < g.fats; ++i)
      if (auto ok = volume_.table_.copy_to(g.fat_offset + i * g.fat_bytes); !ok) return ok.error();
    if (auto ok = volume_.write_tables(lost); !ok) return ok.error();
    return true;
  }

 private:
  bool is_used(u32 c) const { return (used_[(c - 2) / 8] >> ((c - 2) % 8) & 1) != 0; }

  bool mark(u32 first) {
    auto runs = volume_.table_.chain(first, FatTable::kAll);
    if (!runs) return false;
    for (const ClusterRun& run : *runs)
      for (u32 c = run.first; c < run.first + run.count; ++c) {
        if (is_used(c)) return false;
        used_[(c - 2) / 8] |= static_cast<u8>(1u << ((c - 2) % 8));
      }
    return true;
  }

  bool mark_directory(u32 first, u32 depth) {
    if (depth > kMaxDepth || (first != 0 && !mark(first))) return false;
    auto directory = volume_.read_directory(first);
    if (!directory) return false;
    FatDirectory::Item item;
    for (u32 at = 0; directory->next(at, item);) {
      if (item.is_directory() ? !mark_directory(item.first, depth + 1)
                              : item.first != 0 && !mark(item.first))
        return false;
    }
    return true;
  }

  FatVolume& volume_;
  std::vector<u8> used_;
};

Result<void> FatVolume::set_dirty(bool dirty) {
  u8 sector[boot_sector::kBytes];
  if (auto ok = device_.read(0, sector); !ok) return ok;
  u8& state = sector[geometry_.state_at()];
  state = static_cast<u8>(dirty ? state | boot_sector::kDirty : state & ~boot_sector::kDirty);
  if (auto ok = device_.write(0, sector); !ok) return ok;
  return device_.flush();
}

// The free count in FSINFO is a hint, and ours to make unknown instead of keeping it right.
Result<void> FatVolume::forget_free_count() {
  if (geometry_.info_sector == 0) return {};
  u8 sector[512];
  const u64 offset = u64{geometry_.info_sector} * geometry_.sector_bytes;
  if (auto ok = device_.read(offset, sector); !ok) return ok;
  if (get32(sector) != 0x41615252 || get32(sector + 484) != 0x61417272 ||
      get32(sector + 488) == 0xffffffff)
    return {};
  put32(sector + 488, 0xffffffff);
  return device_.write(offset, sector);
}

Result<void> FatVolume::reclaim() {
  u8 sector[boot_sector::kBytes];
  if (auto ok = device_.read(0, sector); !ok) return ok;
  if ((sector[geometry_.state_at()] & boot_sector::kDirty) == 0) return {};
  if (auto ok = forget_free_count(); !ok) return ok;
  auto done = FatReclaim(*this).run();
  if (!done) return done.error();
  if (!*done)
    return Error::format(
        "%s: the volume was not closed, and does not hold together: check it with fsck.fat",
        device_.name());
  if (auto ok = device_.flush(); !ok) return ok;
  return set_dirty(false);
}

Result<void> FatVolume::write_tables(std::span<const FatTable::Change> changes) {
  for (u32 i = 0; i < geometry_.fats; ++i) {
    if (!geometry_.mirrored && i != geometry_.active_fat) continue;
    if (auto ok = table_.write(changes, geometry_.fat_offset + i * geometry_.fat_bytes); !ok)
      return ok;
  }
  return device_.flush();
}

Result<void> FatVolume::commit_in_place(const Place& place, const Edit& edit) {
  auto extents = directory_extents(place.directories.back());
  if (!extents) return extents.error();
  auto directory = read_directory(*extents);
  if (!directory) return directory.error();
  std::vector<u8> old = directory->bytes();
  if (auto ok = apply(*directory, edit); !ok) return ok;

  // More room for the directory: clusters of zeros at its end, in place before anything is in them.
  if (const u64 more = directory->bytes().size() - old.size(); more != 0) {
    if (place.directories.back() == 0) return problem("the root directory is full");
    old.resize(directory->bytes().size());
    auto runs = store(std::vector<u8>(more));
    if (!runs) return runs.error();
    const Extent& last = extents->back();
    const u64 end = last.offset + last.bytes - geometry_.data_offset;
    table_.set(static_cast<u32>(end / geometry_.cluster_bytes) + 1, runs->front().first);
    for (const ClusterRun& run : *runs) extents->push_back(extent_of(run));
  }
  broken_ = true;
  if (auto ok = forget_free_count(); !ok) return ok;
  if (auto ok = set_dirty(true); !ok) return ok;
  if (auto ok = write_tables(table_.changes()); !ok) return ok;
  if (auto ok =
          write_changed_sectors(*extents, old, directory->bytes(), edit.kind == Edit::Kind::Remove);
      !ok)
    return ok;
  if (auto ok = write_tables(table_.released()); !ok) return ok;
  if (auto ok = set_dirty(false); !ok) return ok;
  broken_ = false;
  return {};
}

// The sectors of a directory that are not as they were, one by one: the pieces of a long name come
// before the entry that they belong to, and go after it.
Result<void> FatVolume::write_changed_sectors(const std::vector<Extent>& extents,
                                              std::span<const u8> old, std::span<const u8> bytes,
                                              bool backwards) {
  struct Piece {
    u64 offset, at, length;
  };
  std::vector<Piece> pieces;
  u64 at = 0;
  for (const Extent& extent : extents)
    for (u64 inside = 0; inside < extent.bytes;) {
      const u64 length = std::min<u64>(device_.sector_bytes(), extent.bytes - inside);
      if (std::memcmp(&old[at], &bytes[at], length) != 0)
        pieces.push_back({extent.offset + inside, at, length});
      inside += length;
      at += length;
    }
  if (backwards) std::reverse(pieces.begin(), pieces.end());
  for (const Piece& piece : pieces) {
    if (auto ok = device_.write(piece.offset, bytes.subspan(piece.at, piece.length)); !ok)
      return ok;
    if (auto ok = device_.flush(); !ok) return ok;
  }
  return {};
}

}  // namespace bf::fs
