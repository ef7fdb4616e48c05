#include "runtime/fs/volumes.h"

#include <algorithm>
#include <cstring>

#include "runtime/fs/iso_volume.h"
#include "runtime/fs/partitions.h"
#include "runtime/fs/unicode.h"

namespace bf::fs {

namespace {

constexpr u32 kMaxDirectories = 4096;
constexpr u32 kMaxDepth = 32;
constexpr std::string_view kModelEnding = ".gguf";

// A model without a file system around it.
class RawModel final : public FileSystem {
 public:
  RawModel(BlockDevice& device, std::string_view name) : device_(device) {
    name_.append(name.empty() ? device.name() : name);
    if (!same_name(name_.view().substr(std::max(name_.view().size(), kModelEnding.size()) -
                                       kModelEnding.size()),
                   kModelEnding))
      name_.append(kModelEnding);
  }
  const char* kind() const override { return "GGUF"; }
  Entry root() const override {
    Entry entry;
    entry.directory = true;
    return entry;
  }
  Result<std::vector<Entry>> list(const Entry&) override {
    std::vector<Entry> entries(1);
    entries[0].name = name_;
    entries[0].bytes = device_.bytes();
    return entries;
  }
  Result<File> open(const Entry&) override {
    return File(device_, device_.bytes(), {{0, device_.bytes()}});
  }

 private:
  BlockDevice& device_;
  Text name_;
};

bool is_raw_model(BlockDevice& device) {
  u8 magic[4];
  return device.read(0, magic) && std::memcmp(magic, "GGUF", 4) == 0;
}

bool is_model(std::string_view name) {
  return name.size() > kModelEnding.size() &&
         same_name(name.substr(name.size() - kModelEnding.size()), kModelEnding);
}

}  // namespace

void Volumes::add_part(BlockDevice& device, u64 first, u64 count, u32 number,
                       std::string_view name) {
  Volume volume;
  volume.part = std::make_unique<Slice>(device, first, count);
  if (auto fat = FatVolume::open(*volume.part)) {
    volume.fat = fat->get();
    volume.system = std::move(*fat);
  } else if (auto iso = IsoVolume::open(*volume.part)) {
    volume.system = std::move(*iso);
  } else if (is_raw_model(*volume.part)) {
    volume.system = std::make_unique<RawModel>(*volume.part, name);
  } else {
    return;
  }
  volume.name.append(device.name());
  if (number != 0) volume.name.format(", partition %u", number);
  volumes_.push_back(std::move(volume));
}

void Volumes::add(BlockDevice& device) {
  // A disc that is a disk as well has a partition table in front of its ISO 9660 volume.
  const usize before = volumes_.size();
  add_part(device, 0, device.sector_count(), 0, "");
  const bool whole = volumes_.size() > before;
  auto table = find_partitions(device);
  if (!whole) notes_.append(table.notes.view());
  u32 number = 0;
  for (const Partition& partition : table.partitions) {
    ++number;
    if (whole && partition.first == 0) continue;  // it again
    add_part(device, partition.first, partition.count, number, partition.name.view());
  }
}

// Each directory is looked at once, whatever leads to it.
void Volumes::find_models(u32 volume, std::vector<Model>& models) {
  struct Waiting {
    u64 place;
    u32 depth;
    Text path;
  };
  FileSystem& system = *volumes_[volume].system;
  std::vector<Waiting> waiting;
  Entry directory = system.root();
  std::vector<u64> seen = {directory.place};
  waiting.push_back({directory.place, 0, {}});
  for (usize i = 0; i < waiting.size(); ++i) {
    directory.place = waiting[i].place;
    const u32 depth = waiting[i].depth;
    auto entries = system.list(directory);
    if (!entries) {
      notes_.format("%s\n", entries.error().message());
      continue;
    }
    for (const Entry& entry : *entries) {
      Text path = waiting[i].path;
      path.append(entry.name.view());
      if (!entry.directory) {
        if (entry.bytes != 0 && is_model(entry.name.view()))
          models.push_back({volume, entry.bytes, std::move(path)});
        continue;
      }
      if (depth >= kMaxDepth || waiting.size() >= kMaxDirectories) continue;
      const auto known = std::lower_bound(seen.begin(), seen.end(), entry.place);
      if (known != seen.end() && *known == entry.place) continue;
      seen.insert(known, entry.place);
      path.append("/");
      waiting.push_back({entry.place, depth + 1, std::move(path)});
    }
  }
}

std::vector<Volumes::Model> Volumes::models() {
  std::vector<Model> models;
  for (u32 i = 0; i < volumes_.size(); ++i) find_models(i, models);
  return models;
}

void Volumes::set_clock(FatVolume::Clock clock) {
  for (Volume& volume : volumes_)
    if (volume.fat) volume.fat->set_clock(clock);
}

Result<File> Volumes::open(const Model& model) {
  FileSystem& system = *volumes_[model.volume].system;
  auto entry = system.find(model.path.view());
  if (!entry) return entry.error();
  return system.open(*entry);
}

FileStore::FileStore(Volumes& volumes) {
  for (const bool ours : {true, false})
    for (const Volumes::Volume& volume : volumes.all()) {
      if (volume_ || !volume.fat || !volume.fat->writable()) continue;
      if (ours ? !volume.fat->switched() : !volume.fat->find(kDirectory)) continue;
      volume_ = volume.fat;
      place_ = volume.name.view();
    }
}

namespace {

Text path_of(std::string_view name) {
  Text path;
  path.append(FileStore::kDirectory);
  path.append("/");
  path.append(name);
  return path;
}

}  // namespace

Result<std::vector<u8>> FileStore::read(std::string_view name) {
  if (!volume_) return Error::format("there is no disk to keep files on");
  auto entry = volume_->find(path_of(name).view());
  if (!entry) return entry.error();
  if (entry->bytes > kMaxBytes)
    return Error::format("'%.*s' is too large", static_cast<int>(name.size()), name.data());
  auto file = volume_->open(*entry);
  if (!file) return file.error();
  std::vector<u8> bytes(file->bytes());
  if (auto ok = file->read(0, bytes); !ok) return ok.error();
  return bytes;
}

Result<void> FileStore::replace(std::string_view name, std::span<const u8> bytes) {
  if (!volume_) return Error::format("there is no disk to keep files on");
  if (!volume_->find(kDirectory))
    if (auto ok = volume_->make_directory(kDirectory); !ok) return ok;
  return volume_->write_file(path_of(name).view(), bytes);
}

Result<File> FileStore::reserve(std::string_view name, u64 bytes) {
  if (bytes > kMaxBytes)
    return Error::format("'%.*s' is too large", static_cast<int>(name.size()), name.data());
  const Text path = path_of(name);
  if (volume_) {
    auto there = volume_->find(path.view());
    if (there && there->bytes == bytes) return volume_->open(*there);
  }
  if (auto ok = replace(name, std::vector<u8>(bytes)); !ok) return ok.error();
  auto made = volume_->find(path.view());
  if (!made) return made.error();
  return volume_->open(*made);
}

Result<void> FileStore::remove(std::string_view name) {
  if (!volume_) return Error::format("there is no disk to keep files on");
  return volume_->remove(path_of(name).view());
}

}  // namespace bf::fs
