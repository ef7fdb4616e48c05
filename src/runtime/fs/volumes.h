// All volumes of all disks, and the models on them.
//
//   Volumes volumes;
//   volumes.add(disk);                                  // for each one that the drivers found
//   for (const auto& model : volumes.models()) ...      // "tiny.gguf", 637 MB, volume 0
//   auto file = volumes.open(model);
//   file->read(0, memory);
//
// A disk may have a partition table, or be one volume without. A partition (or a disk) that is a
// GGUF file from its first byte on is a volume with that one file: models of more than 4 GiB, which
// FAT32 has no files for, are kept this way.
#pragma once

#include <memory>

#include "runtime/fs/fat_volume.h"
#include "runtime/fs/file_system.h"

namespace bf::fs {

class Volumes {
 public:
  struct Volume {
    Text name;  // "ahci0", "ahci0, partition 2"
    std::unique_ptr<Slice> part;
    std::unique_ptr<FileSystem> system;
    FatVolume* fat = nullptr;  // the same, if it is one
  };

  struct Model {
    u32 volume = 0;  // in all()
    u64 bytes = 0;
    Text path;  // "models/tiny.gguf"
  };

  // Looks for volumes on a device, which must outlive this.
  void add(BlockDevice& device);
  const std::vector<Volume>& all() const { return volumes_; }

  // Every file whose name ends with ".gguf", in the order of volumes and directories, the upper
  // ones first. At most 4096 directories of a volume are looked at, each once.
  std::vector<Model> models();
  Result<File> open(const Model& model);

  // Where the dates of files that are written come from, on the volumes that are known so far.
  void set_clock(FatVolume::Clock clock);

  // What could not be read, a line each: for the log. Usually empty.
  std::string_view notes() const { return notes_.view(); }

 private:
  void add_part(BlockDevice& device, u64 first, u64 count, u32 number, std::string_view name);
  void find_models(u32 volume, std::vector<Model>& models);

  std::vector<Volume> volumes_;
  Text notes_;
};

// Where the machine keeps what it wants to find again: small files in the directory BAREFLOW of the
// first volume that `./bareflow disk` made, or else of the first one with such a directory on it.
//
//   FileStore store(volumes);
//   if (store) store.replace("history", bytes);        // the old one or the new one, whatever
//   happens
class FileStore {
 public:
  static constexpr std::string_view kDirectory = "BAREFLOW";
  static constexpr u64 kMaxBytes = 256 << 20;  // of a file that is read

  explicit FileStore(Volumes& volumes);
  explicit operator bool() const { return volume_ != nullptr; }
  // Where it is, for a person; empty if there is none.
  std::string_view place() const { return place_; }

  Result<std::vector<u8>> read(std::string_view name);
  Result<void> replace(std::string_view name, std::span<const u8> bytes);
  Result<void> remove(std::string_view name);
  // A file of so many bytes whose place is known from now on, for File::overwrite: what is there if
  // it has that size, else zeros. Stale once the file is replaced or removed.
  Result<File> reserve(std::string_view name, u64 bytes);

 private:
  FatVolume* volume_ = nullptr;
  std::string_view place_;
};

}  // namespace bf::fs
