// An ISO 9660 disc, to be read: long names by Rock Ridge or Joliet where the disc has them, files
// of several extents (more than 4 GiB).
//
//   auto disc = IsoVolume::open(device);
//
// Formats: ECMA-119, 4th edition; the Joliet specification, 1995; SUSP and RRIP, IEEE P1281 and
// P1282. Not read: interleaved files, symbolic links.
#pragma once

#include <memory>

#include "runtime/fs/file_system.h"

namespace bf::fs {

class IsoVolume final : public FileSystem {
 public:
  static Result<std::unique_ptr<IsoVolume>> open(BlockDevice& device);
  explicit IsoVolume(BlockDevice& device) : device_(device) {}

  const char* kind() const override;
  Entry root() const override;
  Result<std::vector<Entry>> list(const Entry& directory) override;
  Result<File> open(const Entry& file) override;

 private:
  enum class Names : u8 { Plain, Joliet, RockRidge };
  struct Record;

  bool use_descriptor(const u8* descriptor);
  bool has_rock_ridge(u64 root);
  bool read_record(std::span<const u8> bytes, Record& record);
  bool read_system_use(std::span<const u8> area, Record& record);
  void name_record(std::span<const u8> identifier, Record& record) const;
  bool follow_child(u32 block, Record& record);

  BlockDevice& device_;
  Names names_ = Names::Plain;
  u32 block_bytes_ = 0;
  u32 skip_ = 0;  // bytes before what Rock Ridge says in a record
  u64 root_ = 0;  // a place: block, and bytes in the upper half
};

}  // namespace bf::fs
