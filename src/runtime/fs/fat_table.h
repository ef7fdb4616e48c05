// The table of a FAT volume: which cluster follows which, with changes that are not on the disk
// yet.
//
//   FatTable table(device, geometry);
//   auto runs = table.chain(first, clusters);       // what a file of so many clusters occupies
//   auto fresh = table.allocate(5);                 // free ones; recorded as a chain
//   table.release(first);                           // free from the next commit on, not before
//
// The table is read through a window of 64 KiB.
#pragma once

#include <vector>

#include "runtime/fs/fat_geometry.h"

namespace bf::fs {

// Clusters one after the other.
struct ClusterRun {
  u32 first = 0;
  u32 count = 0;
};

class FatTable {
 public:
  FatTable(BlockDevice& device, const FatGeometry& geometry);

  // What the table has for a cluster (28 bits of FAT32's 32), changes included.
  Result<u32> get(u32 cluster);
  // The same without changes.
  Result<u32> get_on_disk(u32 cluster);

  // The chain from `first` on, as runs. With `count` it must be that long at least, and what
  // follows is left out; without, all of it. A chain that leads to a free or bad cluster, out of
  // the volume or into itself is refused.
  Result<std::vector<ClusterRun>> chain(u32 first, u32 count);
  static constexpr u32 kAll = ~u32{0};

  // ---- Changes, in memory ----

  // A chain of clusters that are free on the disk, in the order they lie in from where the last
  // search ended. Nothing is recorded if there are too few.
  Result<std::vector<ClusterRun>> allocate(u32 count);
  // Records that one cluster points to another, or is the last one (the end mark).
  void set(u32 cluster, u32 value);
  // Records that the clusters of a chain become free. They stay in use until the changes are
  // dropped or written, so that nothing that the disk still needs is written over.
  Result<void> release(u32 first);

  struct Change {
    u32 cluster = 0;
    u32 value = 0;
  };
  // Sorted by cluster. What is set, and what is released.
  const std::vector<Change>& changes() const { return changes_; }
  const std::vector<Change>& released() const { return released_; }
  // Both; of a cluster that was taken and left again, that it is free.
  std::vector<Change> all_changes() const;
  void drop_changes();
  // Writes changes into the table that begins at byte `table_offset` of the device. Only sectors
  // that change are written.
  Result<void> write(std::span<const Change> changes, u64 table_offset);

  // Makes the table at byte `table_offset` the same as the one that is read, without changes.
  Result<void> copy_to(u64 table_offset);
  // Whether it is.
  Result<bool> is_same(u64 table_offset);

  // How many clusters are free on the disk, counted.
  Result<u32> count_free();
  // The window is read again when it is needed next: the table is another one now.
  void move_to(u64 fat_offset);
  const FatGeometry& geometry() const { return geometry_; }

 private:
  Result<void> load(u64 offset);
  template <class OnDifference>
  Result<void> compare(u64 table_offset, OnDifference on_difference);
  u64 entry_offset(u32 cluster) const { return u64{cluster} * geometry_.bits / 8; }

  BlockDevice& device_;
  FatGeometry geometry_;
  u64 fat_offset_;  // of the copy that is read
  Pages window_;
  u64 window_offset_ = ~u64{0};  // from the beginning of the table
  u64 window_bytes_ = 0;
  std::vector<Change> changes_;
  std::vector<Change> released_;
  u32 next_free_ = 2;  // where the search begins
};

}  // namespace bf::fs
