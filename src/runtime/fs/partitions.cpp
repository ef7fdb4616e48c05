#include "runtime/fs/partitions.h"

#include <algorithm>
#include <cstring>

#include "runtime/fs/crc32.h"
#include "runtime/fs/unicode.h"

namespace bf::fs {

namespace {

constexpr u32 kMbrEntries = 446, kMbrEntryBytes = 16;
constexpr u32 kMaxLogical = 128;
constexpr u32 kMaxGptEntries = 1024, kMaxGptEntryBytes = 4096;
constexpr u32 kGptHeaderBytes = 92;

class Finder {
 public:
  explicit Finder(BlockDevice& device) : device_(device) {}

  PartitionTable find() {
    u8 sector[512];
    if (!read(0, sector)) return std::move(table_);
    if (get16(sector + 510) != 0xaa55) return std::move(table_);
    if (is_protective(sector)) {
      find_gpt();
    } else {
      find_mbr(sector);
    }
    return std::move(table_);
  }

 private:
  bool read(u64 sector, std::span<u8> to) {
    if (sector > device_.sector_count()) return false;
    auto ok = device_.read(sector * device_.sector_bytes(), to);
    if (!ok) table_.notes.format("%s\n", ok.error().message());
    return static_cast<bool>(ok);
  }

  void add(u64 first, u64 count, std::span<const u16> name = {}) {
    if (count == 0 || first >= device_.sector_count() || count > device_.sector_count() - first) {
      table_.notes.format("%s: a partition of %llu sectors at %llu is not on the disk\n",
                          device_.name(), static_cast<unsigned long long>(count),
                          static_cast<unsigned long long>(first));
      return;
    }
    Partition partition{first, count, {}};
    append_utf16(partition.name, name);
    table_.partitions.push_back(std::move(partition));
  }

  // ---- MBR ----

  static const u8* entry(const u8* sector, u32 i) {
    return sector + kMbrEntries + i * kMbrEntryBytes;
  }
  static bool is_extended(u8 type) { return type == 0x05 || type == 0x0f || type == 0x85; }

  static bool is_protective(const u8* sector) {
    for (u32 i = 0; i < 4; ++i)
      if (entry(sector, i)[4] == 0xee) return true;
    return false;
  }

  // A boot sector of a file system ends like an MBR: what stands where the entries would must look
  // like some.
  static bool looks_like_mbr(const u8* sector) {
    bool any = false;
    for (u32 i = 0; i < 4; ++i) {
      const u8* e = entry(sector, i);
      if ((e[0] & 0x7f) != 0) return false;
      any = any || (e[4] != 0 && get32(e + 12) != 0);
    }
    return any;
  }

  void find_mbr(const u8* sector) {
    if (!looks_like_mbr(sector)) return;
    table_.kind = PartitionTable::Kind::Mbr;
    for (u32 i = 0; i < 4; ++i) {
      const u8* e = entry(sector, i);
      if (e[4] == 0 || get32(e + 12) == 0) continue;
      if (is_extended(e[4])) {
        find_logical(get32(e + 8));
      } else {
        add(get32(e + 8), get32(e + 12));
      }
    }
  }

  // A list of sectors, each with one partition (relative to itself) and the next one's place
  // (relative to the first one). It only ever goes forward on a disk that a partitioning tool has
  // made; here its length is what ends a loop.
  void find_logical(u64 base) {
    u64 at = base;
    for (u32 i = 0; i < kMaxLogical; ++i) {
      u8 sector[512];
      if (!read(at, sector) || get16(sector + 510) != 0xaa55) return;
      const u8* part = entry(sector, 0);
      const u8* next = entry(sector, 1);
      if (part[4] != 0 && get32(part + 12) != 0) add(at + get32(part + 8), get32(part + 12));
      if (!is_extended(next[4]) || get32(next + 8) == 0) return;
      at = base + get32(next + 8);
    }
    table_.notes.format("%s: more than %u logical partitions; perhaps their list goes in circles\n",
                        device_.name(), kMaxLogical);
  }

  // ---- GPT ----

  void find_gpt() {
    table_.kind = PartitionTable::Kind::Gpt;
    if (read_gpt(1)) return;
    const u64 last = device_.sector_count() - 1;
    if (last > 1 && read_gpt(last)) {
      table_.notes.format("%s: the GPT is damaged, its backup was used\n", device_.name());
      return;
    }
    table_.notes.format("%s: neither the GPT nor its backup can be used\n", device_.name());
  }

  bool read_gpt(u64 sector) {
    u8 header[512];
    if (!read(sector, header)) return false;
    const u32 header_bytes = get32(header + 12);
    if (std::memcmp(header, "EFI PART", 8) != 0 || header_bytes < kGptHeaderBytes ||
        header_bytes > sizeof header || get64(header + 24) != sector)
      return false;
    const u32 header_crc = get32(header + 16);
    std::memset(header + 16, 0, 4);
    if (crc32({header, header_bytes}) != header_crc) return false;
    const u32 count = get32(header + 80), entry_bytes = get32(header + 84);
    if (count > kMaxGptEntries || entry_bytes < 128 || entry_bytes > kMaxGptEntryBytes)
      return false;
    std::vector<u8> entries(usize{count} * entry_bytes);
    if (!read(get64(header + 72), entries)) return false;
    if (crc32(entries) != get32(header + 88)) return false;
    for (u32 i = 0; i < count; ++i) add_gpt_entry(entries.data() + usize{i} * entry_bytes);
    return true;
  }

  void add_gpt_entry(const u8* e) {
    static constexpr u8 kUnused[16] = {};
    if (std::memcmp(e, kUnused, sizeof kUnused) == 0) return;
    const u64 first = get64(e + 32), last = get64(e + 40);
    u16 name[36];
    usize length = 0;
    while (length < std::size(name) && get16(e + 56 + 2 * length) != 0) {
      name[length] = get16(e + 56 + 2 * length);
      ++length;
    }
    add(first, last >= first && last != ~u64{0} ? last - first + 1 : 0, {name, length});
  }

  BlockDevice& device_;
  PartitionTable table_;
};

}  // namespace

PartitionTable find_partitions(BlockDevice& device) {
  return Finder(device).find();
}

}  // namespace bf::fs
