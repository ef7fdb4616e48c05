#include "runtime/fs/fat_volume.h"

#include <algorithm>

#include "runtime/fs/unicode.h"

namespace bf::fs {

namespace {

// The format allows 65,536 entries.
constexpr u64 kMaxDirectoryBytes = 65536 * kSlotBytes;

void append_label(Text& to, const u8* eleven) {
  usize length = 11;
  while (length > 0 && (eleven[length - 1] == ' ' || eleven[length - 1] == 0)) --length;
  for (usize i = 0; i < length; ++i) {
    const char c = eleven[i] < 0x20 || eleven[i] >= 0x7f ? '_' : static_cast<char>(eleven[i]);
    to.append({&c, 1});
  }
}

}  // namespace

Result<std::unique_ptr<FatVolume>> FatVolume::open(BlockDevice& device) {
  u8 sector[boot_sector::kBytes];
  if (device.bytes() < sizeof sector)
    return Error::format("%s: too small for a FAT volume", device.name());
  if (auto ok = device.read(0, sector); !ok) return ok.error();
  const auto geometry = parse_boot_sector(sector, device.bytes());
  if (!geometry) return Error::format("%s: no FAT volume", device.name());
  return std::make_unique<FatVolume>(device, *geometry);
}

FatVolume::FatVolume(BlockDevice& device, const FatGeometry& geometry)
    : device_(device), geometry_(geometry), table_(device, geometry) {
  u8 label[11];
  auto directory = read_directory(root_first());
  if (directory && directory->find_label(label))
    append_label(label_, label);
  else
    append_label(label_, geometry.label);
}

const char* FatVolume::kind() const {
  return geometry_.bits == 32 ? "FAT32" : geometry_.bits == 16 ? "FAT16" : "FAT12";
}

Result<u64> FatVolume::free_bytes() {
  auto clusters = table_.count_free();
  if (!clusters) return clusters.error();
  return u64{*clusters} * geometry_.cluster_bytes;
}

Entry FatVolume::root() const {
  Entry entry;
  entry.directory = true;
  entry.place = root_first();
  return entry;
}

u32 FatVolume::clusters_for(u64 bytes) const {
  return static_cast<u32>((bytes + geometry_.cluster_bytes - 1) / geometry_.cluster_bytes);
}

Extent FatVolume::extent_of(const ClusterRun& run) const {
  return {geometry_.offset_of(run.first), u64{run.count} * geometry_.cluster_bytes};
}

Result<std::vector<Extent>> FatVolume::directory_extents(u32 first) {
  std::vector<Extent> extents;
  if (first == 0 && geometry_.bits != 32) {
    extents.push_back({geometry_.root_offset, u64{geometry_.root_entries} * kSlotBytes});
    return extents;
  }
  auto runs = table_.chain(first, FatTable::kAll);
  if (!runs) return runs.error();
  for (const ClusterRun& run : *runs) extents.push_back(extent_of(run));
  return extents;
}

Result<FatDirectory> FatVolume::read_directory(const std::vector<Extent>& extents) {
  u64 bytes = 0;
  for (const Extent& extent : extents) bytes += extent.bytes;
  if (bytes > kMaxDirectoryBytes) return problem("a directory is larger than FAT allows");
  std::vector<u8> content(bytes);
  u64 at = 0;
  for (const Extent& extent : extents) {
    if (auto ok = device_.read(extent.offset, std::span(content).subspan(at, extent.bytes)); !ok)
      return ok.error();
    at += extent.bytes;
  }
  return FatDirectory(std::move(content), geometry_.bits);
}

Result<FatDirectory> FatVolume::read_directory(u32 first) {
  auto extents = directory_extents(first);
  if (!extents) return extents.error();
  return read_directory(*extents);
}

Result<std::vector<Entry>> FatVolume::list(const Entry& directory) {
  auto content = read_directory(static_cast<u32>(directory.place));
  if (!content) return content.error();
  std::vector<Entry> entries;
  FatDirectory::Item item;
  for (u32 at = 0; content->next(at, item);)
    entries.push_back({std::move(item.name), item.bytes, item.is_directory(), item.first, {}});
  return entries;
}

Result<File> FatVolume::open(const Entry& file) {
  if (file.directory) return problem("a directory is no file");
  std::vector<Extent> extents;
  if (file.bytes > u64{geometry_.clusters} * geometry_.cluster_bytes)
    return problem("a file is larger than its volume");
  if (file.bytes != 0) {
    auto runs = table_.chain(static_cast<u32>(file.place), clusters_for(file.bytes));
    if (!runs) return runs.error();
    for (const ClusterRun& run : *runs) extents.push_back(extent_of(run));
  }
  return File(device_, file.bytes, std::move(extents));
}

}  // namespace bf::fs
