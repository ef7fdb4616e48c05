// What writing is on all volumes: finding the place, storing data in free clusters, and the change
// of one directory in memory. How it gets onto the disk: fat_switch.cpp, fat_in_place.cpp.
#include <algorithm>

#include "runtime/fs/fat_volume.h"

namespace bf::fs {

namespace {

constexpr u64 kMaxFileBytes = 0xffffffff;
constexpr u64 kMaxDirectoryBytes = 65536 * kSlotBytes;

}  // namespace

Result<FatVolume::Place> FatVolume::resolve(std::string_view path) {
  Place place;
  place.directories.push_back(root_first());
  std::string_view name = take_name(path);
  while (!path.empty()) {
    auto directory = read_directory(place.directories.back());
    if (!directory) return directory.error();
    auto item = directory->find(name);
    if (!item || !item->is_directory())
      return Error::format("%s: there is no directory '%.*s'", device_.name(),
                           static_cast<int>(name.size()), name.data());
    place.directories.push_back(item->first);
    name = take_name(path);
  }
  if (const char* problem = name_problem(name))
    return Error::format("'%.*s' cannot be the name of a file: %s",
                         static_cast<int>(std::min<usize>(name.size(), 80)), name.data(), problem);
  place.name = name;
  return place;
}

Result<void> FatVolume::prepare() {
  if (!device_.writable()) return Error::format("%s cannot be written to", device_.name());
  if (geometry_.bits == 12) return Error::format("%s: FAT12 is read only", device_.name());
  if (broken_)
    return Error::format("%s: an earlier write failed, nothing is written to it any more",
                         device_.name());
  if (prepared_) return {};
  if (auto ok = switched() ? synchronise() : reclaim(); !ok) return ok;
  prepared_ = true;
  return {};
}

// Puts bytes into free clusters, the rest of the last one filled with zeros. Whole runs go out in
// one piece.
Result<std::vector<ClusterRun>> FatVolume::store(std::span<const u8> bytes) {
  auto runs = table_.allocate(clusters_for(bytes.size()));
  if (!runs) return runs.error();
  for (const ClusterRun& run : *runs) {
    const Extent extent = extent_of(run);
    const u64 whole = std::min<u64>(extent.bytes, bytes.size()) / geometry_.cluster_bytes *
                      geometry_.cluster_bytes;
    if (auto ok = device_.write(extent.offset, bytes.first(whole)); !ok) return ok.error();
    bytes = bytes.subspan(whole);
    if (whole == extent.bytes) continue;
    Pages last(geometry_.cluster_bytes);
    if (!last.data()) return Error::format("%s: no memory for a write", device_.name());
    std::copy(bytes.begin(), bytes.end(), last.data());
    bytes = {};
    if (auto ok = device_.write(extent.offset + whole, last.span()); !ok) return ok.error();
  }
  return std::move(*runs);
}

Result<void> FatVolume::apply(FatDirectory& directory, const Edit& edit) {
  if (edit.kind == Edit::Kind::Remove) {
    if (auto item = directory.find(edit.name)) directory.remove(*item);
    return {};
  }
  while (!directory.put(edit.name, edit.facts, device_.sector_bytes())) {
    const u64 bytes = directory.bytes().size() + geometry_.cluster_bytes;
    if (bytes > kMaxDirectoryBytes) return Error::format("%s: a directory is full", device_.name());
    directory.bytes().resize(bytes);
  }
  return {};
}

Result<void> FatVolume::commit(const Place& place, const Edit& edit) {
  return switched() ? commit_switch(place, edit) : commit_in_place(place, edit);
}

// Makes a change: `make` says what it is, from the place and what is there by that name, and stores
// what it needs. Whatever fails, nothing of it stays in memory.
template <class Change>
Result<void> FatVolume::change(std::string_view path, Change&& make) {
  if (auto ok = prepare(); !ok) return ok;
  auto place = resolve(path);
  if (!place) return place.error();
  auto directory = read_directory(place->directories.back());
  if (!directory) return directory.error();
  const auto there = directory->find(place->name);
  Edit edit;
  edit.name = place->name;
  edit.facts.time = now();
  Result<void> done = make(*place, there ? &*there : nullptr, edit);
  if (done && there && there->first != 0) done = table_.release(there->first);
  if (done) done = commit(*place, edit);
  table_.drop_changes();
  return done;
}

Result<void> FatVolume::write_file(std::string_view path, std::span<const u8> bytes) {
  if (bytes.size() > kMaxFileBytes) return Error::format("a file on a FAT volume ends at 4 GiB");
  return change(
      path, [&](const Place&, const FatDirectory::Item* there, Edit& edit) -> Result<void> {
        if (there && there->is_directory())
          return Error::format("'%.*s' is a directory", static_cast<int>(path.size()), path.data());
        edit.facts.bytes = static_cast<u32>(bytes.size());
        if (bytes.empty()) return {};
        auto runs = store(bytes);
        if (!runs) return runs.error();
        edit.facts.first = runs->front().first;
        return {};
      });
}

Result<void> FatVolume::remove(std::string_view path) {
  return change(
      path, [&](const Place&, const FatDirectory::Item* there, Edit& edit) -> Result<void> {
        if (!there)
          return Error::format("there is no '%.*s'", static_cast<int>(path.size()), path.data());
        edit.kind = Edit::Kind::Remove;
        if (!there->is_directory()) return {};
        auto directory = read_directory(there->first);
        if (!directory) return directory.error();
        if (!directory->is_empty())
          return Error::format("'%.*s' is a directory that is not empty",
                               static_cast<int>(path.size()), path.data());
        return {};
      });
}

Result<void> FatVolume::make_directory(std::string_view path) {
  return change(
      path, [&](const Place& place, const FatDirectory::Item* there, Edit& edit) -> Result<void> {
        if (there)
          return Error::format("'%.*s' is there already", static_cast<int>(path.size()),
                               path.data());
        FatDirectory directory(std::vector<u8>(geometry_.cluster_bytes), geometry_.bits);
        auto runs = table_.allocate(1);
        if (!runs) return runs.error();
        const bool in_root = place.directories.size() == 1;
        directory.put_dots(runs->front().first, in_root ? 0 : place.directories.back(),
                           edit.facts.time);
        edit.facts.attributes = kDirectory;
        edit.facts.first = runs->front().first;
        return device_.write(extent_of(runs->front()).offset, directory.bytes());
      });
}

}  // namespace bf::fs
