// Fuzzes disks: whatever their bytes are, tables, volumes, directories and files are read or
// refused, writing to them works or is refused, and neither takes longer than the disk is large.
//
//   fs-fuzz ROUNDS       deterministic mutations of built-in seeds
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "../support/fs_images.h"
#include "mutate.h"
#include "runtime/fs/volumes.h"

namespace {

using namespace bf;
using namespace bf::fs;

struct Counts {
  u64 inputs = 0, volumes = 0, entries = 0, read = 0, written = 0, models = 0;
  u64 most_work = 0;  // tenths of bytes transferred per byte of disk
} counts;

void demand(bool condition) {
  if (!condition) __builtin_trap();
}

// A disk that counts what is moved.
class CountingDevice final : public BlockDevice {
 public:
  CountingDevice(std::vector<u8>& image, u32 sector_bytes)
      : BlockDevice({.name = "fuzz",
                     .sector_bytes = sector_bytes,
                     .sector_count = image.size() / sector_bytes,
                     .writable = true}),
        image_(image) {}
  u64 moved = 0;

 private:
  Result<void> read_sectors(u64 first, std::span<u8> to) override {
    moved += to.size();
    std::copy_n(image_.begin() + static_cast<i64>(first * sector_bytes()), to.size(), to.begin());
    return {};
  }
  Result<void> write_sectors(u64 first, std::span<const u8> from) override {
    moved += from.size();
    std::copy(from.begin(), from.end(), image_.begin() + static_cast<i64>(first * sector_bytes()));
    return {};
  }
  Result<void> flush_cache() override { return {}; }

  std::vector<u8>& image_;
};

void read_file(FileSystem& system, const Entry& entry) {
  auto file = system.open(entry);
  if (!file) return;
  ++counts.read;
  demand(file->bytes() == entry.bytes);
  std::vector<u8> bytes(std::min<u64>(file->bytes(), 5000));
  demand(static_cast<bool>(file->read(0, bytes)));
  demand(static_cast<bool>(file->read(file->bytes() - bytes.size(), bytes)));
  u8 one[1];
  demand(!file->read(file->bytes(), one));
}

void walk(FileSystem& system, const Entry& directory, u32 depth, u32& budget) {
  auto entries = system.list(directory);
  if (!entries) return;
  for (const Entry& entry : *entries) {
    ++counts.entries;
    if (budget == 0) return;
    --budget;
    if (!entry.directory)
      read_file(system, entry);
    else if (depth < 4)
      walk(system, entry, depth + 1, budget);
  }
}

void write(FatVolume& volume) {
  const std::vector<u8> content(2000, 'w');
  const char* kPaths[] = {"new file with a name.txt", "models/new", "README.TXT"};
  for (const char* path : kPaths) {
    if (!volume.write_file(path, content)) continue;
    ++counts.written;
    auto entry = volume.find(path);
    demand(static_cast<bool>(entry));
    auto file = volume.open(*entry);
    if (!file) continue;  // on a volume whose clusters belong to two
    demand(file->bytes() == content.size());
  }
  auto made = volume.make_directory("new");
  auto removed = volume.remove("README.TXT");
  (void)made, (void)removed;
}

void use(std::vector<u8> image, u32 sector_bytes) {
  ++counts.inputs;
  CountingDevice device(image, sector_bytes);
  {
    Volumes volumes;
    volumes.add(device);
    counts.volumes += volumes.all().size();
    for (const auto& model : volumes.models()) {
      ++counts.models;
      auto file = volumes.open(model);
      if (file) demand(file->bytes() > 0);
    }
    for (const auto& volume : volumes.all()) {
      u32 budget = 300;
      walk(*volume.system, volume.system->root(), 0, budget);
      if (volume.fat) write(*volume.fat);
    }
    FileStore store(volumes);
    if (store) {
      auto history = store.read("history");
      (void)history;
      if (store.replace("history", image)) ++counts.written;
    }
  }
  // A window of a table is 64 KiB, however small the volume.
  counts.most_work = std::max(counts.most_work, device.moved * 10 / (image.size() + 65536));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  if (size < 512) return 0;
  use({bytes, bytes + size}, bytes[size - 1] % 4 == 3 ? 4096 : 512);
  return 0;
}

#ifndef BF_LIBFUZZER
int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 100;
  using test::FatShape;
  const std::vector<u8> fat32 = test::filled_fat({.bits = 32, .clusters = 300, .fats = 2});
  const std::vector<std::vector<u8>> seeds = {
      test::filled_fat({.bits = 12, .clusters = 100}),
      test::filled_fat({.bits = 16, .clusters = 4100}),
      fat32,
      test::filled_fat({.bits = 32, .clusters = 300, .switched = true}),
      test::filled_fat({.bits = 32, .clusters = 200, .sectors_per_cluster = 8, .switched = true}),
      test::in_gpt(fat32),
      test::in_mbr(fat32),
      test::IsoBuilder(false, false).build(),
      test::IsoBuilder(false, true).build(),
      test::IsoBuilder(true, true).build(),
      test::in_gpt({'G', 'G', 'U', 'F'})};
  for (usize i = 0; i < seeds.size(); ++i) {
    const u64 volumes = counts.volumes, models = counts.models;
    use(seeds[i], 512);
    if (i + 1 < seeds.size() && (counts.volumes == volumes || counts.models == models)) {
      std::fprintf(stderr, "seed %zu was refused\n", i);
      return 1;
    }
    fuzz::Mutator mutator(i + 1);
    for (int round = 0; round < rounds; ++round) {
      // Most of a volume is data or nothing. Things stay where they are in two of three inputs.
      std::vector<u8> image = seeds[i];
      const u64 start = mutator.below(3) == 0 ? mutator.below(image.size() / 512) * 512 : 0;
      const u64 length = std::min<u64>(image.size() - start, u64{512} << mutator.below(8));
      auto piece = mutator.mutate({image.begin() + static_cast<i64>(start),
                                   image.begin() + static_cast<i64>(start + length)});
      if (mutator.below(3) != 0) {
        piece.resize(length);
        std::copy(piece.begin(), piece.end(), image.begin() + static_cast<i64>(start));
      } else {
        image = std::move(piece);
      }
      use(std::move(image), mutator.below(8) == 0 ? 4096 : 512);
    }
  }
  std::printf(
      "%llu inputs, %llu volumes, %llu entries, %llu files read, %llu written, %llu models; "
      "%llu.%llu bytes moved "
      "per byte of disk at most\n",
      static_cast<unsigned long long>(counts.inputs),
      static_cast<unsigned long long>(counts.volumes),
      static_cast<unsigned long long>(counts.entries), static_cast<unsigned long long>(counts.read),
      static_cast<unsigned long long>(counts.written),
      static_cast<unsigned long long>(counts.models),
      static_cast<unsigned long long>(counts.most_work / 10),
      static_cast<unsigned long long>(counts.most_work % 10));
  return counts.read > counts.inputs / 2 && counts.most_work < 1000 ? 0 : 1;
}
#endif
