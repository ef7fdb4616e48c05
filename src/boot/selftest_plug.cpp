// Writes to a disk until somebody pulls the plug (`./bareflow test --plug`), or as often as the
// option `plug-operations` says. Every file says itself what it has to be: it is made of records,
//
//     magic "BFRC"   version   index   payload bytes   payload   CRC-32 of all that
//
// each number four bytes, little end first. The records of a file have one version, and the indices
// 0, 1, 2 and so on; an append adds one. The log says what is about to be done, and when it is
// done:
//
//     plug: begin 17 put 65553 3 PLUG/deep/one.txt      (version 65553, 3 records)
//     plug: begin 18 remove 0 0 history
//     plug: end 17
//
// The option `plug` is the first version, and what chance begins with. Files that were left by the
// last machine are checked first.

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "arch/x86/disks.h"
#include "arch/x86/print.h"
#include "boot/selftest.h"
#include "runtime/fs/crc32.h"
#include "runtime/fs/volumes.h"
#include "runtime/options.h"

namespace bf::boot {

namespace {

using fs::FatVolume;
using x86::print;
using Bytes = std::vector<u8>;

constexpr u32 kMagic = 0x43524642;  // "BFRC"
constexpr usize kHeaderBytes = 16, kCrcBytes = 4;
constexpr const char* kDirectories[] = {"PLUG", "PLUG/deep", "PLUG/spare"};
constexpr const char* kFiles[] = {"history",
                                  "SNAPSHOT.BIN",
                                  "a rather long name of a file that needs several slots.json",
                                  "\xc3\xa9t\xc3\xa9.txt",
                                  "PLUG/crash record.txt",
                                  "PLUG/A.BIN",
                                  "PLUG/deep/one.txt",
                                  "PLUG/deep/another one.txt"};
constexpr u32 kMostPayload[] = {0, 100, 600, 5000, 20000, 70000};
constexpr u32 kMostRecords = 4;

u32 number_of(const char* name, u32 otherwise) {
  const auto text = options::find(name).value_or("");
  u32 number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class Random {
 public:
  explicit Random(u64 seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  u32 below(u32 n) { return static_cast<u32>(next() % n); }
  u64 next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ >> 8;
  }

 private:
  u64 state_;
};

void append_record(Bytes& file, u32 version, u32 index, u32 payload, Random& random) {
  const usize start = file.size();
  file.resize(start + kHeaderBytes + payload + kCrcBytes);
  u8* const record = &file[start];
  fs::put32(record, kMagic);
  fs::put32(record + 4, version);
  fs::put32(record + 8, index);
  fs::put32(record + 12, payload);
  for (usize i = 0; i < payload; ++i) record[kHeaderBytes + i] = static_cast<u8>(random.next());
  fs::put32(record + kHeaderBytes + payload, fs::crc32({record, kHeaderBytes + payload}));
}

struct Contents {
  u32 version = 0;
  u32 records = 0;
};

// What a file is, or why it is nothing that was ever written.
Result<Contents> examine(std::span<const u8> file) {
  Contents contents;
  for (usize at = 0; at < file.size(); ++contents.records) {
    const auto rest = file.subspan(at);
    if (rest.size() < kHeaderBytes + kCrcBytes || fs::get32(rest.data()) != kMagic)
      return Error::format("no record at %lu", at);
    const u32 version = fs::get32(&rest[4]), payload = fs::get32(&rest[12]);
    if (contents.records == 0) contents.version = version;
    if (version != contents.version || fs::get32(&rest[8]) != contents.records)
      return Error::format("records of two files, at %lu", at);
    if (payload > rest.size() - kHeaderBytes - kCrcBytes)
      return Error::format("a record is cut off, at %lu", at);
    if (fs::crc32(rest.first(kHeaderBytes + payload)) != fs::get32(&rest[kHeaderBytes + payload]))
      return Error::format("a record is damaged, at %lu", at);
    at += kHeaderBytes + payload + kCrcBytes;
  }
  if (contents.records == 0) return Error::format("it is empty");
  return contents;
}

class Writer {
 public:
  Writer(fs::BlockDevice& device, u32 seed) : device_(device), random_(seed), version_(seed) {}

  Result<void> run(u32 operations) {
    if (auto done = mount(); !done) return done;
    if (auto done = check_files(); !done) return done;
    for (u32 i = 0; operations == 0 || i < operations; ++i) {
      if (random_.below(8) == 0)
        if (auto done = mount(); !done) return done;
      if (auto done = one(); !done) return done;
      print("plug: end %u\n", number_++);
    }
    return check_files();
  }

 private:
  Result<void> mount() {
    auto volume = FatVolume::open(device_);
    if (!volume) return volume.error();
    volume_ = std::move(*volume);
    return {};
  }

  Result<Bytes> read(const char* path) {
    auto entry = volume_->find(path);
    if (!entry) return entry.error();
    auto file = volume_->open(*entry);
    if (!file) return file.error();
    Bytes bytes(file->bytes());
    if (auto done = file->read(0, bytes); !done) return done.error();
    return bytes;
  }

  Result<void> check_files() {
    u32 whole = 0;
    for (const char* path : kFiles) {
      if (!is_there(path)) continue;
      auto bytes = read(path);
      if (!bytes) return bytes.error();
      auto contents = examine(*bytes);
      if (!contents) return Error::format("%s: %s", path, contents.error().message());
      ++whole;
    }
    print("plug: %u files are whole\n", whole);
    return {};
  }

  bool is_there(const char* path) { return static_cast<bool>(volume_->find(path)); }
  void begin(const char* what, Contents contents, const char* path) {
    print("plug: begin %u %s %u %u %s\n", number_, what, contents.version, contents.records, path);
  }

  Result<void> one() {
    for (const char* path : kDirectories) {
      if (is_there(path)) continue;
      begin("mkdir", {}, path);
      return volume_->make_directory(path);
    }
    if (random_.below(16) == 0) {
      begin("rmdir", {}, "PLUG/spare");
      return volume_->remove("PLUG/spare");
    }
    const char* const path = kFiles[random_.below(std::size(kFiles))];
    if (!is_there(path)) return put(path, {}, {});
    if (random_.below(4) == 0) {
      begin("remove", {}, path);
      return volume_->remove(path);
    }
    auto old = random_.below(2) == 0 ? read(path) : Result<Bytes>(Bytes{});
    if (!old) return old.error();
    const auto contents = old->empty() ? Contents{} : *examine(*old);
    if (contents.records >= 8) return put(path, {}, {});
    return put(path, std::move(*old), contents);
  }

  // A new file, or an old one with more records.
  Result<void> put(const char* path, Bytes bytes, Contents contents) {
    if (bytes.empty()) contents = {++version_, 0};
    const u32 more = 1 + random_.below(bytes.empty() ? kMostRecords : 1);
    for (u32 i = 0; i < more; ++i) {
      const u32 most = kMostPayload[random_.below(std::size(kMostPayload))];
      append_record(bytes, contents.version, contents.records++, random_.below(most + 1), random_);
    }
    begin("put", contents, path);
    return volume_->write_file(path, bytes);
  }

  fs::BlockDevice& device_;
  Random random_;
  u32 version_;
  u32 number_ = 1;
  std::unique_ptr<FatVolume> volume_;
};

}  // namespace

i32 selftest_plug() {
  fs::Volumes volumes;
  for (x86::DmaDisk* disk : x86::find_disks()) volumes.add(*disk);
  for (const auto& volume : volumes.all()) {
    if (volume.fat == nullptr || !volume.fat->writable()) continue;
    const auto name = volume.name.view();
    print("plug: %.*s, %s%s\n", static_cast<int>(name.size()), name.data(), volume.fat->kind(),
          volume.fat->switched() ? ", switched" : "");
    auto done = Writer(*volume.part, number_of("plug", 1)).run(number_of("plug-operations", 0));
    if (done) return 0;
    print("plug: error: %s\n", done.error().message());
    return 1;
  }
  print("plug: error: there is no volume to write to\n");
  return 1;
}

}  // namespace bf::boot
