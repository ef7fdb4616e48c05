// Devices for tests of file systems: a file, and a disk that remembers every sector it was given.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "runtime/fs/block_device.h"

namespace bf::test {

inline u64 file_bytes(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 ? static_cast<u64>(status.st_size) : 0;
}

class FileDevice final : public fs::BlockDevice {
 public:
  FileDevice(const char* path, u32 sector_bytes, bool writable)
      : FileDevice(::open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC), path, sector_bytes,
                   writable) {}
  ~FileDevice() { close(descriptor_); }

 private:
  FileDevice(int descriptor, const char* path, u32 sector_bytes, bool writable)
      : BlockDevice({.name = path,
                     .sector_bytes = sector_bytes,
                     .sector_count = file_bytes(descriptor) / sector_bytes,
                     .writable = writable,
                     .buffer_alignment = 16}),
        descriptor_(descriptor) {}

  Result<void> read_sectors(u64 first, std::span<u8> to) override {
    const auto place = static_cast<off_t>(first * sector_bytes());
    if (pread(descriptor_, to.data(), to.size(), place) == static_cast<ssize_t>(to.size()))
      return {};
    return Error::format("%s: cannot read", name());
  }
  Result<void> write_sectors(u64 first, std::span<const u8> from) override {
    const auto place = static_cast<off_t>(first * sector_bytes());
    if (pwrite(descriptor_, from.data(), from.size(), place) == static_cast<ssize_t>(from.size()))
      return {};
    return Error::format("%s: cannot write", name());
  }
  Result<void> flush_cache() override { return {}; }

  int descriptor_;
};

// A disk in memory that keeps a log of sectors as they were written, and of flushes. A write may be
// made to fail.
class RecordingDevice final : public fs::BlockDevice {
 public:
  struct Event {
    u64 sector = 0;
    std::vector<u8> bytes;  // empty: a flush
  };

  RecordingDevice(std::vector<u8> image, u32 sector_bytes)
      : BlockDevice({.name = "recorder",
                     .sector_bytes = sector_bytes,
                     .sector_count = image.size() / sector_bytes,
                     .writable = true,
                     .buffer_alignment = 64}),
        image_(std::move(image)) {}

  std::vector<Event> log;
  u64 writes_left = ~u64{0};  // in sectors; then writes fail
  u64 reads = 0;
  const std::vector<u8>& image() const { return image_; }

 private:
  Result<void> read_sectors(u64 first, std::span<u8> to) override {
    ++reads;
    if (reinterpret_cast<u64>(to.data()) % buffer_alignment() != 0 ||
        to.size() % sector_bytes() != 0)
      std::abort();
    std::copy_n(image_.begin() + static_cast<i64>(first * sector_bytes()), to.size(), to.begin());
    return {};
  }
  Result<void> write_sectors(u64 first, std::span<const u8> from) override {
    if (reinterpret_cast<u64>(from.data()) % buffer_alignment() != 0 ||
        from.size() % sector_bytes() != 0)
      std::abort();
    for (u64 at = 0; at < from.size(); at += sector_bytes()) {
      if (writes_left == 0) return Error::format("%s: a write that fails", name());
      --writes_left;
      const auto sector = from.subspan(at, sector_bytes());
      log.push_back({first + at / sector_bytes(), {sector.begin(), sector.end()}});
      std::copy(sector.begin(), sector.end(),
                image_.begin() + static_cast<i64>(first * sector_bytes() + at));
    }
    return {};
  }
  Result<void> flush_cache() override {
    log.push_back({});
    return {};
  }

  std::vector<u8> image_;
};

}  // namespace bf::test
