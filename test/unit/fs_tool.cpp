// The kernel's file systems as a command, for tests against other people's tools:
//
//   fs-tool [--sector N] IMAGE tables              the partitions
//   fs-tool [--sector N] IMAGE volumes | models    what Volumes finds
//   fs-tool [--sector N] IMAGE ls                  every file of every volume: volume, bytes, path
//   fs-tool [--sector N] IMAGE cat PATH            a file of the first volume that has it
//   fs-tool [--sector N] IMAGE peek PATH OFFSET N  some bytes of it
//   fs-tool [--sector N] IMAGE put PATH FILE | rm PATH | mkdir PATH      on the first FAT volume
//   fs-tool [--sector N] IMAGE keep NAME FILE | kept NAME | forget NAME  in the machine's own store
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../support/fs_devices.h"
#include "runtime/fs/partitions.h"
#include "runtime/fs/volumes.h"

namespace {

using namespace bf;
using namespace bf::fs;

[[noreturn]] void fail(const char* message) {
  std::fprintf(stderr, "error: %s\n", message);
  std::exit(1);
}

using Words = std::vector<std::string>;
using Number = unsigned long long;

int length(std::string_view text) {
  return static_cast<int>(text.size());
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

void print_part(const File& file, u64 offset, u64 bytes) {
  std::vector<u8> piece(1 << 20);
  for (u64 end = std::min(file.bytes(), offset + bytes); offset < end; offset += piece.size()) {
    const auto part = std::span(piece).first(std::min<u64>(piece.size(), end - offset));
    if (auto ok = file.read(offset, part); !ok) fail(ok.error().message());
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

void print_tables(BlockDevice& disk) {
  auto table = find_partitions(disk);
  for (const auto& p : table.partitions)
    std::printf("%llu %llu %.*s\n", static_cast<Number>(p.first), static_cast<Number>(p.count),
                length(p.name.view()), p.name.view().data());
  std::fwrite(table.notes.view().data(), 1, table.notes.view().size(), stderr);
}

void print_volumes(Volumes& volumes) {
  for (const auto& volume : volumes.all()) {
    const char* writing = !volume.fat || !volume.fat->writable() ? "read only"
                          : volume.fat->switched()               ? "switched"
                                                                 : "in place";
    std::printf("%s; %s; %s\n", volume.system->kind(), std::string(volume.system->label()).c_str(),
                writing);
  }
}

void print_models(Volumes& volumes) {
  for (const auto& model : volumes.models())
    std::printf("%u %llu %.*s\n", model.volume, static_cast<Number>(model.bytes),
                length(model.path.view()), model.path.view().data());
}

void print_file(Volumes& volumes, const Words& words) {
  for (const auto& volume : volumes.all()) {
    auto entry = volume.system->find(words[1]);
    if (!entry) continue;
    auto file = volume.system->open(*entry);
    if (!file) fail(file.error().message());
    if (words[0] == "cat") return print_part(*file, 0, file->bytes());
    return print_part(*file, std::stoull(words[2]), std::stoull(words[3]));
  }
  fail("no such file");
}

void change(Volumes& volumes, const Words& words) {
  for (const auto& volume : volumes.all()) {
    if (!volume.fat) continue;
    volume.fat->set_clock([] { return DateTime{2026, 11, 21, 12, 34, 56}; });
    auto done = words[0] == "put"  ? volume.fat->write_file(words[1], contents(words.at(2).c_str()))
                : words[0] == "rm" ? volume.fat->remove(words[1])
                                   : volume.fat->make_directory(words[1]);
    if (!done) fail(done.error().message());
    return;
  }
  fail("no FAT volume");
}

void use_store(Volumes& volumes, const Words& words) {
  FileStore store(volumes);
  if (!store) fail("no store");
  if (words[0] == "kept") {
    auto bytes = store.read(words[1]);
    if (!bytes) fail(bytes.error().message());
    std::fwrite(bytes->data(), 1, bytes->size(), stdout);
    return;
  }
  auto done = words[0] == "keep" ? store.replace(words[1], contents(words.at(2).c_str()))
                                 : store.remove(words[1]);
  if (!done) fail(done.error().message());
}

bool is_one_of(const std::string& word, const Words& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

int main(int argc, char** argv) {
  Words words(argv + 1, argv + argc);
  u32 sector = 512;
  if (words.size() > 2 && words[0] == "--sector") {
    sector = static_cast<u32>(std::stoul(words[1]));
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.size() < 2) fail("use: fs-tool [--sector N] IMAGE COMMAND ...");
  const std::string image = words[0];
  words.erase(words.begin());
  const std::string command = words[0];
  test::FileDevice disk(
      image.c_str(), sector,
      is_one_of(command, {"put", "rm", "mkdir", "keep", "kept", "forget", "volumes"}));
  if (command == "tables") return print_tables(disk), 0;
  Volumes volumes;
  volumes.add(disk);
  if (volumes.all().empty()) fail("no volume");
  if (command == "volumes") return print_volumes(volumes), 0;
  if (command == "models") return print_models(volumes), 0;
  if (command == "ls") {
    for (usize i = 0; i < volumes.all().size(); ++i)
      list(*volumes.all()[i].system, volumes.all()[i].system->root(), "", static_cast<int>(i));
    return 0;
  }
  if (words.size() < (command == "peek" ? 4u : 2u)) fail("a path is missing");
  if (command == "cat" || command == "peek")
    print_file(volumes, words);
  else if (is_one_of(command, {"put", "rm", "mkdir"}))
    change(volumes, words);
  else if (is_one_of(command, {"keep", "kept", "forget"}))
    use_store(volumes, words);
  else
    fail("no such command");
  return 0;
}
