// Partition tables: GPT (with its backup, where the first one is damaged) and MBR with logical
// partitions.
//
//   for (const Partition& p : find_partitions(disk).partitions) Slice part(disk, p.first, p.count);
//
// Formats: UEFI Specification 2.10, chapter 5.
#pragma once

#include <vector>

#include "runtime/fs/block_device.h"
#include "runtime/text.h"

namespace bf::fs {

struct Partition {
  u64 first = 0;  // sectors; always inside the device, never empty
  u64 count = 0;
  Text name;  // as GPT has it; often empty
};

struct PartitionTable {
  enum class Kind : u8 { None, Mbr, Gpt };
  Kind kind = Kind::None;
  std::vector<Partition> partitions;
  Text notes;  // what was damaged and how that was dealt with, a line each; usually empty
};

// A table that cannot be read has no partitions, and a note. The work is bounded: by 1024 entries
// of a GPT, 128 logical partitions.
PartitionTable find_partitions(BlockDevice& device);

}  // namespace bf::fs
