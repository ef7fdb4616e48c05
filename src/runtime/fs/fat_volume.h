// A FAT volume: FAT12, FAT16 and FAT32 are read, FAT16 and FAT32 are written.
//
//   auto volume = FatVolume::open(partition);
//   auto entries = (*volume)->list((*volume)->root());
//   (*volume)->write_file("BAREFLOW/history", bytes);    // the whole file: the old one is replaced
//
// What happens when the power goes away at any moment of a write, including between two sectors of
// one transfer: after it, each file is the old one or the new one, whole. How:
//
// On a *switched* volume, which is what `./bareflow disk` makes, nothing that is in use is ever
// written over, but one sector. Such a volume is an ordinary FAT32 volume with one FAT, and with
// room for a second one that the first sector does not name:
//
//     set 0 in force:  reserved = R,      FAT of 2 F sectors: [ FAT 0 | unused: FAT 1 ]
//     set 1 in force:  reserved = R + F,  FAT of F sectors:   (FAT 0 is reserved now) [ FAT 1 ]
//
// so that the clusters lie at the same place either way. FSINFO (sectors 1 and 2) and the copy of
// the first sector (6 and 7) are there twice, too, and the root directory is where the first sector
// says. A change writes file data into free clusters, all directories on the way to the file anew,
// the set that is not in force, and last, in a write of its own, the first sector, which puts the
// other set in force: tables, free count, root directory and backup change together, from one
// consistent volume to another. `fsck.fat -n` has nothing to say at any moment, and other systems
// see an ordinary volume, may write to it, and leave it switched. R and F are in a record in the
// first sector's boot code. A FAT32 volume of mkfs.fat's, with two FATs that are the same and no
// boot code, has all of this but the record, and gets it before the first write.
//
// On any other volume the order is: file data, tables, the one directory sector that makes the file
// the new one, tables again to free the old one's clusters. Between these, clusters may be marked
// as used that belong to nothing, and two FATs may differ. The volume's dirty bit is set meanwhile,
// and whoever writes next through this code to a volume with that bit frees such clusters first.
#pragma once

#include <memory>

#include "runtime/fs/fat_directory.h"
#include "runtime/fs/fat_table.h"
#include "runtime/fs/file_system.h"

namespace bf::fs {

class FatVolume final : public FileSystem {
 public:
  // Refused if the device does not begin like a FAT volume. The device must outlive it.
  static Result<std::unique_ptr<FatVolume>> open(BlockDevice& device);
  FatVolume(BlockDevice& device, const FatGeometry& geometry);

  const char* kind() const override;
  Entry root() const override;
  Result<std::vector<Entry>> list(const Entry& directory) override;
  Result<File> open(const Entry& file) override;
  const FatGeometry& geometry() const { return geometry_; }
  // Room for more, counted in the table.
  Result<u64> free_bytes();

  // ---- Writing ----

  // Whether it can be; and whether in the way that leaves no trace of an interruption.
  bool writable() const { return device_.writable() && geometry_.bits != 12; }
  bool switched() const { return geometry_.switched.has_value(); }

  // Where dates come from; without, everything is of 1980.
  using Clock = DateTime (*)();
  void set_clock(Clock clock) { clock_ = clock; }

  // Makes or replaces a file in a directory that is there. The bytes must stay as they are
  // meanwhile.
  Result<void> write_file(std::string_view path, std::span<const u8> bytes);
  // A file, or a directory with nothing in it.
  Result<void> remove(std::string_view path);
  Result<void> make_directory(std::string_view path);

 private:
  friend class FatReclaim;
  // A change of one directory, made in memory.
  struct Edit {
    enum class Kind : u8 { Put, Remove } kind = Kind::Put;
    std::string_view name;
    FatDirectory::Facts facts;
  };
  // The directories from the root to the one that is to be changed, by their first clusters (0: the
  // root of FAT16), and the name in it.
  struct Place {
    std::vector<u32> directories;
    std::string_view name;
  };

  Error problem(const char* what) const;
  Result<std::vector<Extent>> directory_extents(u32 first);
  Result<FatDirectory> read_directory(u32 first);
  Result<FatDirectory> read_directory(const std::vector<Extent>& extents);
  u32 root_first() const { return geometry_.bits == 32 ? geometry_.root_cluster : 0; }
  u32 clusters_for(u64 bytes) const;
  Extent extent_of(const ClusterRun& run) const;

  enum class Wanted : u8 { File, Removal, Directory };
  Result<void> change(std::string_view path, Wanted wanted, std::span<const u8> bytes);
  Result<void> plan_file(const FatDirectory::Item* there, std::span<const u8> bytes, Edit& edit);
  Result<void> plan_removal(const FatDirectory::Item* there, Edit& edit);
  Result<void> plan_directory(const FatDirectory::Item* there, const Place& place, Edit& edit);
  Result<Place> resolve(std::string_view path);
  Result<void> prepare();
  Result<std::vector<ClusterRun>> store(std::span<const u8> bytes);
  Result<void> apply(FatDirectory& directory, const Edit& edit);
  DateTime now() const { return clock_ ? clock_() : DateTime{}; }

  // Of switched volumes: fat_switch.cpp.
  Result<void> adopt();
  Result<void> synchronise();
  Result<u32> rewrite(std::span<const u32> path, u32 parent, const Edit* edit, u32 depth);
  Result<void> commit_switch(const Place& place, const Edit& edit);
  Result<void> write_other_set(u32 set, u32 root);

  // Of others: fat_in_place.cpp.
  Result<void> set_dirty(bool dirty);
  Result<void> forget_free_count();
  Result<void> reclaim();
  Result<void> write_tables(std::span<const FatTable::Change> changes);
  Result<void> write_changed_sectors(const std::vector<Extent>& extents, std::span<const u8> old,
                                     std::span<const u8> bytes, bool backwards);
  Result<void> commit_in_place(const Place& place, const Edit& edit);

  BlockDevice& device_;
  FatGeometry geometry_;
  FatTable table_;
  Clock clock_ = nullptr;
  bool prepared_ = false;
  bool broken_ = false;  // a commit failed half-way: what is on the disk is not known any more
  u32 free_ = 0;         // clusters, of switched volumes
  std::vector<FatTable::Change> behind_;  // what the set that is not in force lacks
};

}  // namespace bf::fs
