// The kernel's file systems as a command, for tests against other people's tools:
//
//   fs-tool [--sector N] IMAGE tables            the partitions
//   fs-tool [--sector N] IMAGE ls                every file of every volume: volume, bytes, path
//   fs-tool [--sector N] IMAGE cat PATH          a file of the first volume that has it
//   fs-tool [--sector N] IMAGE put PATH FILE | rm PATH | mkdir PATH      on the first FAT volume
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "../support/fs_devices.h"
#include "runtime/fs/fat_volume.h"
#include "runtime/fs/partitions.h"

namespace {

using namespace bf;
using namespace bf::fs;

[[noreturn]] void fail(const char* message) {
  std::fprintf(stderr, "error: %s\n", message);
  std::exit(1);
}

struct Volume {
  std::unique_ptr<Slice> slice;
  std::unique_ptr<FatVolume> fat;
  FileSystem& system() { return *fat; }
};

std::vector<Volume> volumes_of(BlockDevice& disk) {
  std::vector<Volume> volumes;
  auto table = find_partitions(disk);
  std::vector<Partition> parts = std::move(table.partitions);
  if (table.kind == PartitionTable::Kind::None) parts.push_back({0, disk.sector_count(), {}});
  for (const Partition& part : parts) {
    Volume volume;
    volume.slice = std::make_unique<Slice>(disk, part.first, part.count);
    if (auto fat = FatVolume::open(*volume.slice)) {
      volume.fat = std::move(*fat);
      volume.fat->set_clock([] { return DateTime{2026, 11, 21, 12, 34, 56}; });
      volumes.push_back(std::move(volume));
    }
  }
  return volumes;
}

void list(FileSystem& system, const Entry& directory, const std::string& path, int volume) {
  auto entries = system.list(directory);
  if (!entries) fail(entries.error().message());
  for (Entry& entry : *entries) {
    const std::string name = path + std::string(entry.name.view());
    if (entry.directory) {
      std::printf("%d - %s/\n", volume, name.c_str());
      list(system, entry, name + "/", volume);
    } else {
      std::printf("%d %llu %s\n", volume, static_cast<unsigned long long>(entry.bytes),
                  name.c_str());
    }
  }
}

void print_file(FileSystem& system, const Entry& entry) {
  auto file = system.open(entry);
  if (!file) fail(file.error().message());
  std::vector<u8> piece(1 << 20);
  for (u64 at = 0; at < file->bytes(); at += piece.size()) {
    const auto part = std::span(piece).first(std::min<u64>(piece.size(), file->bytes() - at));
    if (auto ok = file->read(at, part); !ok) fail(ok.error().message());
    std::fwrite(part.data(), 1, part.size(), stdout);
  }
}

std::vector<u8> contents(const char* path) {
  FILE* file = std::fopen(path, "rb");
  if (!file) fail("cannot open the file");
  std::vector<u8> bytes;
  u8 piece[65536];
  while (usize n = std::fread(piece, 1, sizeof piece, file))
    bytes.insert(bytes.end(), piece, piece + n);
  std::fclose(file);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  u32 sector = 512;
  if (argc > 2 && std::strcmp(argv[1], "--sector") == 0) {
    sector = static_cast<u32>(std::atoi(argv[2]));
    argc -= 2;
    argv += 2;
  }
  if (argc < 3) fail("use: fs-tool [--sector N] IMAGE COMMAND ...");
  const std::string command = argv[2];
  const bool writes = command == "put" || command == "rm" || command == "mkdir";
  test::FileDevice disk(argv[1], sector, writes);
  if (command == "tables") {
    auto table = find_partitions(disk);
    for (const auto& p : table.partitions)
      std::printf("%llu %llu %.*s\n", static_cast<unsigned long long>(p.first),
                  static_cast<unsigned long long>(p.count), static_cast<int>(p.name.view().size()),
                  p.name.view().data());
    std::fwrite(table.notes.view().data(), 1, table.notes.view().size(), stderr);
    return 0;
  }
  std::vector<Volume> volumes = volumes_of(disk);
  if (volumes.empty()) fail("no volume");
  if (command == "ls") {
    for (usize i = 0; i < volumes.size(); ++i)
      list(volumes[i].system(), volumes[i].system().root(), "", static_cast<int>(i));
    return 0;
  }
  if (argc < 4) fail("a path is missing");
  if (command == "cat") {
    for (Volume& volume : volumes)
      if (auto entry = volume.system().find(argv[3])) return print_file(volume.system(), *entry), 0;
    fail("no such file");
  }
  Result<void> done;
  if (command == "put" && argc > 4)
    done = volumes[0].fat->write_file(argv[3], contents(argv[4]));
  else if (command == "rm")
    done = volumes[0].fat->remove(argv[3]);
  else if (command == "mkdir")
    done = volumes[0].fat->make_directory(argv[3]);
  else
    fail("no such command");
  if (!done) fail(done.error().message());
  return 0;
}
