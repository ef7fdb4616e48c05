// Pulls the plug after every sector that a series of operations writes, and looks at what is left.
//
//   fs-crash IMAGE SECTOR SEED OPERATIONS FILE FSCK
//
// IMAGE has a FAT volume from its first byte on. After each prefix of the writes, and after some
// states in which of the writes since the last flush any may be missing:
//   - the volume can be read, and every file is as it was before the operation under way, or as
//   after it;
//   - on a switched volume, `FSCK -n` finds nothing to say;
//   - on others it finds nothing after the next write.
// FILE is where the state is put for FSCK ("-": without).

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <string>

#include "../fuzz/mutate.h"
#include "../support/fs_devices.h"
#include "runtime/fs/fat_volume.h"
#include "runtime/fs/memory_device.h"

namespace {

using namespace bf;
using namespace bf::fs;
using Files = std::map<std::string, std::vector<u8>>;

[[noreturn]] void fail(const std::string& message) {
  std::fprintf(stderr, "error: %s\n", message.c_str());
  std::exit(1);
}

template <class T>
void must(const T& result, const char* what) {
  if (!result) fail(std::string(what) + ": " + result.error().message());
}

// ---- What is done ----

// The files after an operation, and where in the log it was finished.
struct Step {
  Files files;
  usize events = 0;
};

class Operations {
 public:
  Operations(test::RecordingDevice& disk, u64 seed) : disk_(disk), random_(seed) { mount(); }

  std::vector<Step> run(int count) {
    std::vector<Step> steps = {{files_, disk_.log.size()}};
    for (int i = 0; i < count; ++i) {
      if (random_.below(4) == 0) mount();
      one();
      steps.push_back({files_, disk_.log.size()});
    }
    return steps;
  }

 private:
  void mount() {
    auto volume = FatVolume::open(disk_);
    must(volume, "mount");
    volume_ = std::move(*volume);
  }

  std::string name() {
    static const char* kNames[] = {"history",
                                   "SNAPSHOT.BIN",
                                   "crash record.txt",
                                   "a rather long name of a file that needs several slots.json",
                                   "BAREFLOW/snapshot.bin",
                                   "BAREFLOW/history",
                                   "BAREFLOW/crash-1.txt",
                                   "BAREFLOW/deep/er.txt",
                                   "BAREFLOW/deep/other one.txt",
                                   "\xc3\xa9t\xc3\xa9.txt"};
    return kNames[random_.below(std::size(kNames))];
  }

  std::vector<u8> bytes() {
    static constexpr u64 kMost[] = {1, 100, 512, 4096, 20000, 60000};
    std::vector<u8> bytes(random_.below(kMost[random_.below(std::size(kMost))] + 1));
    for (u8& byte : bytes) byte = static_cast<u8>(random_.next());
    return bytes;
  }

  void one() {
    if (!has_directory("BAREFLOW")) return make("BAREFLOW");
    if (!has_directory("BAREFLOW/deep")) return make("BAREFLOW/deep");
    const std::string path = name();
    const auto there = files_.find(path);
    if (there != files_.end() && random_.below(4) == 0) {
      must(volume_->remove(path), path.c_str());
      files_.erase(there);
    } else {
      std::vector<u8> content = bytes();
      must(volume_->write_file(path, content), path.c_str());
      files_[path] = std::move(content);
    }
  }

  bool has_directory(const char* path) { return static_cast<bool>(volume_->find(path)); }
  void make(const char* path) { must(volume_->make_directory(path), path); }

  test::RecordingDevice& disk_;
  fuzz::Mutator random_;
  std::unique_ptr<FatVolume> volume_;
  Files files_;
};

// ---- What is left ----

void collect(FatVolume& volume, const Entry& directory, const std::string& path, Files& files) {
  auto entries = volume.list(directory);
  must(entries, "list");
  for (Entry& entry : *entries) {
    const std::string name = path + std::string(entry.name.view());
    if (entry.directory) {
      collect(volume, entry, name + "/", files);
      continue;
    }
    auto file = volume.open(entry);
    must(file, name.c_str());
    std::vector<u8> bytes(file->bytes());
    must(file->read(0, bytes), name.c_str());
    files[name] = std::move(bytes);
  }
}

class Aftermath {
 public:
  Aftermath(const char* file, const char* fsck, u32 sector, bool always_clean)
      : file_(file), fsck_(fsck), sector_(sector), always_clean_(always_clean) {}

  u64 states = 0, old = 0, fresh = 0, clean = 0, reclaimed = 0;

  void check(std::vector<u8>& image, const Files& before, const Files& after,
             const std::string& where, bool with_fsck) {
    ++states;
    MemoryDevice disk("left", image, sector_);
    auto volume = FatVolume::open(disk);
    must(volume, where.c_str());
    Files files;
    collect(**volume, (*volume)->root(), "", files);
    if (files != before && files != after) fail(where + ": a file is neither old nor new");
    ++(files == after ? fresh : old);
    if (std::strcmp(file_, "-") == 0 || !with_fsck) return;
    if (always_clean_ || (*volume)->switched()) {
      check_clean(image, where, true);
      ++clean;
    } else {
      check_recovery(image, where);
    }
  }

 private:
  // Only the sectors that differ from what the file had last are written.
  void save(const std::vector<u8>& image) {
    FILE* file = std::fopen(file_, saved_.size() == image.size() ? "r+b" : "wb");
    if (!file) fail("cannot write the state");
    saved_.resize(image.size());
    for (usize at = 0; at < image.size(); at += 4096) {
      const usize n = std::min<usize>(4096, image.size() - at);
      if (!first_ && std::memcmp(&saved_[at], &image[at], n) == 0) continue;
      std::fseek(file, static_cast<long>(at), SEEK_SET);
      std::fwrite(&image[at], 1, n, file);
      std::copy_n(&image[at], n, &saved_[at]);
    }
    std::fclose(file);
    first_ = false;
  }

  void check_clean(const std::vector<u8>& image, const std::string& where, bool switched = false) {
    save(image);
    const std::string command = std::string(fsck_) + " -n " + file_ + " > " + file_ + ".txt 2>&1";
    if (std::system(command.c_str()) != 0)
      fail(where + ": fsck.fat is not content: see " + file_ + ".txt");
    // Nothing but its version, what it counted, and that a small volume is small.
    FILE* text = std::fopen((std::string(file_) + ".txt").c_str(), "r");
    char line[500];
    while (text && std::fgets(line, sizeof line, text))
      if (!std::strstr(line, "fsck.fat ") && !std::strstr(line, " clusters") &&
          !std::strstr(line, "Warning: Filesystem is FAT32") &&
          !std::strstr(line, "may lead to problems") &&
          (switched || !std::strstr(line, "Free cluster summary uninitialized")))
        fail(where + ": fsck.fat says: " + line);
    if (text) std::fclose(text);
  }

  void check_recovery(const std::vector<u8>& image, const std::string& where) {
    std::vector<u8> copy = image;
    MemoryDevice disk("left", copy, sector_);
    auto volume = FatVolume::open(disk);
    must(volume, where.c_str());
    const u8 text[] = "after";
    must((*volume)->write_file("after.txt", text), "a write afterwards");
    check_clean(copy, where + ", after the next write");
    ++reclaimed;
  }

  const char* file_;
  const char* fsck_;
  u32 sector_;
  bool always_clean_;
  bool first_ = true;
  std::vector<u8> saved_;
};

void apply(std::vector<u8>& image, const test::RecordingDevice::Event& event, u32 sector_bytes) {
  std::copy(event.bytes.begin(), event.bytes.end(),
            image.begin() + static_cast<i64>(event.sector * sector_bytes));
}

std::vector<u8> contents(const char* path) {
  FILE* file = std::fopen(path, "rb");
  if (!file) fail("cannot open the image");
  std::vector<u8> bytes(test::file_bytes(fileno(file)));
  if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size())
    fail("cannot read the image");
  std::fclose(file);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const bool always_clean = argc == 8 && std::strcmp(argv[7], "always-clean") == 0;
  if (argc != 7 && !always_clean) fail("use: fs-crash IMAGE SECTOR SEED OPERATIONS FILE FSCK [always-clean]");
  const u32 sector = static_cast<u32>(std::atoi(argv[2]));
  std::vector<u8> image = contents(argv[1]);
  test::RecordingDevice disk(image, sector);
  const std::vector<Step> steps =
      Operations(disk, static_cast<u64>(std::atoll(argv[3]))).run(std::atoi(argv[4]));

  Aftermath aftermath(argv[5], argv[6], sector, always_clean);
  fuzz::Mutator random(7);
  usize step = 1;
  std::vector<u8> at_flush = image;  // all that is certain
  usize flushed = 0;
  for (usize event = 0; event <= disk.log.size(); ++event) {
    while (step + 1 < steps.size() && event > steps[step].events) ++step;
    const std::string where =
        "operation " + std::to_string(step) + ", event " + std::to_string(event);
    const bool small_step =
        disk.log.size() < 2000 || event % 8 == 0 || disk.log.size() - event < 500;
    aftermath.check(image, steps[step - 1].files, steps[step].files, where, small_step);
    if (random.below(4) == 0 && event > flushed) {
      std::vector<u8> ragged = at_flush;
      for (usize i = flushed; i < event; ++i)
        if (!disk.log[i].bytes.empty() && random.below(2) == 0) apply(ragged, disk.log[i], sector);
      aftermath.check(ragged, steps[step - 1].files, steps[step].files, where + ", ragged",
                      small_step);
    }
    if (event == disk.log.size()) break;
    apply(image, disk.log[event], sector);
    if (disk.log[event].bytes.empty()) {
      at_flush = image;
      flushed = event + 1;
    }
  }
  std::printf(
      "%zu operations, %zu events, %llu states: %llu old, %llu new; %llu clean, %llu reclaimed\n",
      steps.size() - 1, disk.log.size(), static_cast<unsigned long long>(aftermath.states),
      static_cast<unsigned long long>(aftermath.old),
      static_cast<unsigned long long>(aftermath.fresh),
      static_cast<unsigned long long>(aftermath.clean),
      static_cast<unsigned long long>(aftermath.reclaimed));
  return aftermath.old > 0 && aftermath.fresh > 0 ? 0 : 1;
}
