// What all file systems here offer: directories that can be listed, and files that can be read.
//
//   auto entries = system.list(system.root());
//   auto file = system.open((*entries)[0]);
//   file->read(0, buffer);
//
// Everything on a disk is taken for what it is, bytes from somebody else: what does not hold
// together is an Error, never a wild access, and no loop is longer than the disk is large.
#pragma once

#include <vector>

#include "runtime/fs/block_device.h"
#include "runtime/text.h"

namespace bf::fs {

// Where a piece of a file lies, in bytes of the device.
struct Extent {
  u64 offset = 0;
  u64 bytes = 0;
};

// A file to read from; it remembers where its bytes lie, so that reading is nothing but transfers,
// as long as they can be. What is written to the file system later makes it stale.
class File {
 public:
  File(BlockDevice& device, u64 bytes, std::vector<Extent> extents);

  u64 bytes() const { return bytes_; }
  const std::vector<Extent>& extents() const { return extents_; }
  Result<void> read(u64 offset, std::span<u8> to) const;
  // Writes over bytes where they lie, for whoever has no memory left to do better, such as a
  // machine that is going down: whole sectors from aligned memory go to the driver without an
  // allocation, and nothing but the file's own bytes changes on the disk. If it is interrupted, the
  // bytes may be partly old and partly new: what is written like this brings its own checksum.
  Result<void> overwrite(u64 offset, std::span<const u8> from) const;

 private:
  template <class Move>
  Result<void> for_pieces(u64 offset, u64 bytes, Move&& move) const;

  BlockDevice* device_;
  u64 bytes_;
  std::vector<Extent> extents_;
  std::vector<u64> starts_;  // of each extent, in bytes of the file
};

// One name in a directory.
struct Entry {
  Text name;  // UTF-8
  u64 bytes = 0;
  bool directory = false;
  u64 place = 0;                // what the file system finds it by: a first cluster or block
  std::vector<Extent> extents;  // ISO 9660 only, where the directory says it all
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual const char* kind() const = 0;
  std::string_view label() const { return label_.view(); }

  // The root directory, and what is in a directory, without itself and its parent.
  virtual Entry root() const = 0;
  virtual Result<std::vector<Entry>> list(const Entry& directory) = 0;
  virtual Result<File> open(const Entry& file) = 0;

  // By a path such as "models/tiny.gguf", whatever the case of its letters.
  Result<Entry> find(std::string_view path);

 protected:
  Text label_;
};

// Takes the first name off a path: "a/b" gives "a" and leaves "b".
std::string_view take_name(std::string_view& path);

}  // namespace bf::fs
