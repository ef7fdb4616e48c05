#include "runtime/fs/fat_table.h"

#include <algorithm>
#include <cstring>

namespace bf::fs {

namespace {

constexpr u64 kWindowBytes = 64 * 1024;

bool before(const FatTable::Change& change, u32 cluster) {
  return change.cluster < cluster;
}

// Into a list that is sorted by cluster; usually at its end.
void put(std::vector<FatTable::Change>& list, u32 cluster, u32 value) {
  auto place = std::lower_bound(list.begin(), list.end(), cluster, before);
  if (place != list.end() && place->cluster == cluster)
    place->value = value;
  else
    list.insert(place, {cluster, value});
}

void append(std::vector<ClusterRun>& runs, u32 cluster) {
  if (!runs.empty() && runs.back().first + runs.back().count == cluster) {
    ++runs.back().count;
  } else {
    runs.push_back({cluster, 1});
  }
}

}  // namespace

FatTable::FatTable(BlockDevice& device, const FatGeometry& geometry)
    : device_(device),
      geometry_(geometry),
      fat_offset_(geometry.fat_offset + geometry.active_fat * geometry.fat_bytes),
      window_(kWindowBytes) {}

void FatTable::move_to(u64 fat_offset) {
  fat_offset_ = fat_offset;
  window_offset_ = ~u64{0};
}

// The window that holds the byte `offset` of the table.
Result<void> FatTable::load(u64 offset) {
  const u64 start = offset / kWindowBytes * kWindowBytes;
  if (start == window_offset_) return {};
  if (!window_.data()) return Error::format("%s: no memory for a FAT", device_.name());
  window_offset_ = ~u64{0};
  window_bytes_ = std::min(kWindowBytes, geometry_.fat_bytes - start);
  if (auto ok = device_.read(fat_offset_ + start, window_.span().first(window_bytes_)); !ok)
    return ok;
  window_offset_ = start;
  return {};
}

Result<u32> FatTable::get_on_disk(u32 cluster) {
  const u64 offset = entry_offset(cluster);
  const u32 bytes = geometry_.bits == 32 ? 4 : 2;
  if (auto ok = load(offset); !ok) return ok.error();
  u8 raw[4] = {};
  if (offset - window_offset_ + bytes <= window_bytes_) {
    std::memcpy(raw, window_.data() + (offset - window_offset_), bytes);
  } else {  // an entry of FAT12 may begin at the end of a window
    raw[0] = window_.data()[offset - window_offset_];
    if (auto ok = load(offset + 1); !ok) return ok.error();
    raw[1] = window_.data()[offset + 1 - window_offset_];
  }
  const u32 value = get32(raw);
  if (geometry_.bits == 12) return cluster % 2 != 0 ? value >> 4 & 0xfff : value & 0xfff;
  return value & 0x0fffffff;
}

Result<u32> FatTable::get(u32 cluster) {
  auto change = std::lower_bound(changes_.begin(), changes_.end(), cluster, before);
  if (change != changes_.end() && change->cluster == cluster) return u32{change->value};
  return get_on_disk(cluster);
}

Result<std::vector<ClusterRun>> FatTable::chain(u32 first, u32 count) {
  std::vector<ClusterRun> runs;
  // Brent's way to notice a circle: remember one cluster, at every power of two another one.
  u32 remembered = 0, cluster = first;
  for (u32 length = 0; length != count;) {
    if (!geometry_.is_cluster(cluster) || cluster == remembered)
      return Error::format("%s: a chain of clusters %s at cluster %u", device_.name(),
                           cluster == remembered ? "goes in circles" : "breaks off", cluster);
    append(runs, cluster);
    if ((length & (length + 1)) == 0) remembered = cluster;
    auto next = get(cluster);
    if (!next) return next.error();
    ++length;
    if (*next >= geometry_.least_end_mark()) {
      if (count == kAll || length == count) break;
      return Error::format("%s: a file is longer than its chain of clusters", device_.name());
    }
    cluster = *next;
  }
  return runs;
}

Result<std::vector<ClusterRun>> FatTable::allocate(u32 count) {
  std::vector<ClusterRun> runs;
  const u32 end = geometry_.clusters + 2;
  u32 cluster = geometry_.is_cluster(next_free_) ? next_free_ : 2, found = 0;
  for (u32 looked_at = 0; found < count && looked_at < geometry_.clusters; ++looked_at) {
    auto value = get(cluster);
    if (!value) return value.error();
    if (*value == 0) {
      append(runs, cluster);
      ++found;
    }
    cluster = cluster + 1 == end ? 2 : cluster + 1;
  }
  if (found < count) return Error::format("%s is full", device_.name());
  next_free_ = cluster;
  for (usize i = 0; i < runs.size(); ++i) {
    const u32 last = runs[i].first + runs[i].count - 1;
    for (u32 c = runs[i].first; c < last; ++c) set(c, c + 1);
    set(last, i + 1 < runs.size() ? runs[i + 1].first : geometry_.end_mark());
  }
  return runs;
}

void FatTable::set(u32 cluster, u32 value) {
  put(changes_, cluster, value);
}

Result<void> FatTable::release(u32 first) {
  auto runs = chain(first, kAll);
  if (!runs) return runs.error();
  for (const ClusterRun& run : *runs)
    for (u32 i = 0; i < run.count; ++i) put(released_, run.first + i, 0);
  return {};
}

std::vector<FatTable::Change> FatTable::all_changes() const {
  std::vector<Change> all;
  auto freed = released_.begin();
  for (const Change& change : changes_) {
    while (freed != released_.end() && freed->cluster < change.cluster) all.push_back(*freed++);
    if (freed == released_.end() || freed->cluster != change.cluster) all.push_back(change);
  }
  while (freed != released_.end()) all.push_back(*freed++);
  return all;
}

void FatTable::drop_changes() {
  changes_.clear();
  released_.clear();
}

Result<void> FatTable::write(std::span<const Change> changes, u64 table_offset) {
  if (changes.empty()) return {};
  BF_ASSERT(geometry_.bits != 12);
  const u32 entry_bytes = geometry_.bits / 8;
  const u64 sector = device_.sector_bytes();
  Pages buffer(kWindowBytes);
  if (!buffer.data()) return Error::format("%s: no memory for a FAT", device_.name());
  for (usize i = 0; i < changes.size();) {
    // Whole sectors from the first that changes to the last within a buffer's length.
    const u64 start = entry_offset(changes[i].cluster) / sector * sector;
    usize last = i;
    while (last + 1 < changes.size() &&
           entry_offset(changes[last + 1].cluster) < start + kWindowBytes &&
           entry_offset(changes[last + 1].cluster) / sector <=
               entry_offset(changes[last].cluster) / sector + 1)
      ++last;
    const u64 end =
        std::min(align_up<u64>(entry_offset(changes[last].cluster) + entry_bytes, sector),
                 geometry_.fat_bytes);
    const auto piece = buffer.span().first(end - start);
    if (auto ok = device_.read(table_offset + start, piece); !ok) return ok;
    for (; i <= last; ++i) {
      u8* entry = piece.data() + (entry_offset(changes[i].cluster) - start);
      if (entry_bytes == 2)
        put16(entry, changes[i].value);
      else
        put32(entry, (get32(entry) & 0xf0000000) | changes[i].value);
    }
    if (auto ok = device_.write(table_offset + start, piece); !ok) return ok;
  }
  window_offset_ = ~u64{0};
  return {};
}

// on_difference(at, bytes) for each piece that the table at `table_offset` has otherwise.
template <class OnDifference>
Result<void> FatTable::compare(u64 table_offset, OnDifference on_difference) {
  const u64 sector = geometry_.sector_bytes;
  const u64 entries = (u64{geometry_.clusters} + 2) * geometry_.bits;
  const u64 used = std::min(align_up<u64>((entries + 7) / 8, sector), geometry_.fat_bytes);
  Pages current(kWindowBytes), other(kWindowBytes);
  if (!current.data() || !other.data())
    return Error::format("%s: no memory for a FAT", device_.name());
  for (u64 at = 0; at < used; at += kWindowBytes) {
    const u64 bytes = std::min(kWindowBytes, used - at);
    if (auto ok = device_.read(fat_offset_ + at, current.span().first(bytes)); !ok) return ok;
    if (auto ok = device_.read(table_offset + at, other.span().first(bytes)); !ok) return ok;
    if (std::memcmp(current.data(), other.data(), bytes) == 0) continue;
    if (auto ok = on_difference(at, current.span().first(bytes)); !ok) return ok;
  }
  return {};
}

Result<void> FatTable::copy_to(u64 table_offset) {
  return compare(table_offset, [&](u64 at, std::span<const u8> bytes) {
    return device_.write(table_offset + at, bytes);
  });
}

Result<bool> FatTable::is_same(u64 table_offset) {
  bool same = true;
  const auto differs = [&](u64, std::span<const u8>) -> Result<void> {
    same = false;
    return {};
  };
  if (auto ok = compare(table_offset, differs); !ok) return ok.error();
  return same;
}

Result<u32> FatTable::count_free() {
  u32 free = 0;
  for (u32 c = 2; c < geometry_.clusters + 2; ++c) {
    auto value = get_on_disk(c);
    if (!value) return value.error();
    free += *value == 0;
  }
  return free;
}

}  // namespace bf::fs
