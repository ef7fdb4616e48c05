// What writing is on all volumes: finding the place, storing data in free clusters, and the change
// of one directory in memory. How it gets onto the disk: fat_switch.cpp, fat_in_place.cpp.
#include <algorithm>

#include "runtime/fs/fat_volume.h"

namespace bf::fs {

namespace {

constexpr u64 kMaxFileBytes = 0xffffffff;
constexpr u64 kMaxDirectoryBytes = 65536 * kSlotBytes;

}  // namespace

Error FatVolume::problem(const char* what) const {
  return Error::format("%s: %s", device_.name(), what);
}

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
                         printed_length(name, 80), name.data(), problem);
  place.name = name;
  return place;
}

Result<void> FatVolume::prepare() {
  if (!device_.writable()) return problem("it cannot be written to");
  if (geometry_.bits == 12) return problem("FAT12 is read only");
  if (broken_) return problem("an earlier write failed, nothing is written to it any more");
  if (prepared_) return {};
  if (switched()) {
    if (auto ok = synchronise(); !ok) return ok;
  } else {
    if (auto ok = reclaim(); !ok) return ok;
    if (auto ok = adopt(); !ok) return ok;
  }
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
    if (!last.data()) return problem("no memory for a write");
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
    if (bytes > kMaxDirectoryBytes) return problem("a directory is full");
    directory.bytes().resize(bytes);
  }
  return {};
}

Result<void> FatVolume::plan_file(const FatDirectory::Item* there, std::span<const u8> bytes,
                                  Edit& edit) {
  if (there && there->is_directory()) return problem("a directory has that name");
  edit.facts.bytes = static_cast<u32>(bytes.size());
  if (bytes.empty()) return {};
  auto runs = store(bytes);
  if (!runs) return runs.error();
  edit.facts.first = runs->front().first;
  return {};
}

Result<void> FatVolume::plan_removal(const FatDirectory::Item* there, Edit& edit) {
  if (!there) return problem("there is no such file");
  edit.kind = Edit::Kind::Remove;
  if (!there->is_directory()) return {};
  auto directory = read_directory(there->first);
  if (!directory) return directory.error();
  if (!directory->is_empty()) return problem("the directory is not empty");
  return {};
}

Result<void> FatVolume::plan_directory(const FatDirectory::Item* there, const Place& place,
                                       Edit& edit) {
  if (there) return problem("that name is there already");
  auto runs = table_.allocate(1);
  if (!runs) return runs.error();
  FatDirectory directory(std::vector<u8>(geometry_.cluster_bytes), geometry_.bits);
  const bool in_root = place.directories.size() == 1;
  directory.put_dots(runs->front().first, in_root ? 0 : place.directories.back(), edit.facts.time);
  edit.facts.attributes = kDirectory;
  edit.facts.first = runs->front().first;
  return device_.write(extent_of(runs->front()).offset, directory.bytes());
}

// One change, from what is wanted to what is on the disk. Whatever fails, nothing of it stays in
// memory.
Result<void> FatVolume::change(std::string_view path, Wanted wanted, std::span<const u8> bytes) {
  if (auto ok = prepare(); !ok) return ok;
  auto place = resolve(path);
  if (!place) return place.error();
  auto directory = read_directory(place->directories.back());
  if (!directory) return directory.error();
  const auto found = directory->find(place->name);
  const FatDirectory::Item* there = found ? &*found : nullptr;
  Edit edit;
  edit.name = place->name;
  edit.facts.time = now();
  Result<void> done = wanted == Wanted::File      ? plan_file(there, bytes, edit)
                      : wanted == Wanted::Removal ? plan_removal(there, edit)
                                                  : plan_directory(there, *place, edit);
  if (done && there && there->first != 0) done = table_.release(there->first);
  if (done) done = switched() ? commit_switch(*place, edit) : commit_in_place(*place, edit);
  table_.drop_changes();
  return done;
}

Result<void> FatVolume::write_file(std::string_view path, std::span<const u8> bytes) {
  if (bytes.size() > kMaxFileBytes) return problem("a file ends at 4 GiB");
  return change(path, Wanted::File, bytes);
}

Result<void> FatVolume::remove(std::string_view path) {
  return change(path, Wanted::Removal, {});
}

Result<void> FatVolume::make_directory(std::string_view path) {
  return change(path, Wanted::Directory, {});
}

}  // namespace bf::fs
