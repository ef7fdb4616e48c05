// Virtual disks (virtio-blk) of the modern kind, polled, one request at a time. Numbers: Virtual
// I/O Device 1.2: 4.1 (PCI), 2.7 (split queues), 5.2 (block devices).
#include <algorithm>
#include <cstring>

#include "arch/x86/disks.h"
#include "arch/x86/memory.h"
#include "arch/x86/pci_machine.h"
#include "arch/x86/print.h"
#include "runtime/platform.h"

namespace bf::x86 {

namespace {

constexpr u64 kRequestTime = 30'000'000'000;

// 4.1.4.3: the common configuration.
constexpr usize kDeviceFeatureSelect = 0x00, kDeviceFeature = 0x04, kDriverFeatureSelect = 0x08,
                kDriverFeature = 0x0c, kDeviceStatus = 0x14, kQueueSelect = 0x16, kQueueSize = 0x18,
                kQueueEnable = 0x1c, kQueueNotifyOffset = 0x1e, kQueueDescriptors = 0x20,
                kQueueDriver = 0x28, kQueueDevice = 0x30, kCommonBytes = 0x38;
constexpr u8 kAcknowledge = 1, kDriver = 2, kDriverOk = 4, kFeaturesOk = 8, kFailed = 128;
// Bits of features.
constexpr u64 kSizeMax = 1 << 1, kReadOnly = 1 << 5, kBlockSize = 1 << 6, kFlush = 1 << 9,
              kVersion1 = u64{1} << 32;
// 5.2.6: kinds of requests.
constexpr u32 kIn = 0, kOut = 1, kFlushRequest = 4;

// One page for all that device and driver share.
constexpr u16 kQueueEntries = 4;
struct Descriptor {
  u64 address;
  u32 bytes;
  u16 flags;
  u16 next;
};
constexpr u16 kNext = 1, kDeviceWrites = 2, kNoInterrupt = 1;
struct Shared {
  Descriptor descriptors[kQueueEntries];
  struct {
    u16 flags, index, ring[kQueueEntries];
  } available;
  alignas(4) struct {
    u16 flags;
    volatile u16 index;
    struct {
      u32 id, bytes;
    } ring[kQueueEntries];
  } used;
  struct {
    u32 kind, reserved;
    u64 sector;
  } request;
  volatile u8 status;
};

// Where the capabilities (4.1.4) say that things are.
struct Registers {
  u8* common = nullptr;
  u8* notify = nullptr;
  u8* device = nullptr;
  u32 notify_step = 0;
  u32 notify_bytes = 0;
};

u8* map_part(const pci::Function& f, u8 capability, usize least) {
  const auto read = [&](u32 at) {
    return pci::config().read(f.at, static_cast<u16>(capability + at));
  };
  const u32 bar = read(4) & 0xff;
  const u64 offset = read(8), bytes = read(12);
  if (bytes < least || bar > 5) return nullptr;
  u8* const memory = pci::map_registers(f, bar, offset + bytes);
  return memory == nullptr ? nullptr : memory + offset;
}

bool find_registers(const pci::Function& f, Registers& r) {
  constexpr u8 kVendorSpecific = 9;
  constexpr u32 kMost = 48;  // as many as fit: the list may go in circles
  u8 at = 0;
  for (u32 i = 0; i < kMost && (at = pci::find_capability(pci::config(), f.at, kVendorSpecific, at)) != 0; ++i) {
    const u32 kind = pci::config().read(f.at, at) >> 24;
    if (kind == 1 && r.common == nullptr) r.common = map_part(f, at, kCommonBytes);
    if (kind == 2 && r.notify == nullptr) {
      r.notify = map_part(f, at, 2);
      r.notify_bytes = pci::config().read(f.at, static_cast<u16>(at + 12));
      r.notify_step = pci::config().read(f.at, static_cast<u16>(at + 16));
    }
    if (kind == 4 && r.device == nullptr) r.device = map_part(f, at, 24);
  }
  return r.common != nullptr && r.notify != nullptr && r.device != nullptr;
}

struct Geometry {
  u64 sectors_512 = 0;
  u32 sector_bytes = 512;
  u32 most_bytes = u32{4} << 20;  // of a piece of memory
  u64 features = 0;
};

char* disk_name() {
  static u32 count = 0;
  auto* name = new char[16];
  std::snprintf(name, 16, "virtio%u", count++);
  return name;
}

class VirtioDisk final : public DmaDisk {
 public:
  VirtioDisk(Shared* shared, u8* doorbell, const Geometry& g)
      : DmaDisk({.name = disk_name(),
                 .sector_bytes = g.sector_bytes,
                 .sector_count = g.sectors_512 / (g.sector_bytes / 512),
                 .writable = (g.features & kReadOnly) == 0},
                {.most_bytes = g.most_bytes / g.sector_bytes * g.sector_bytes}),
        shared_(shared),
        doorbell_(doorbell),
        can_flush_((g.features & kFlush) != 0) {
    std::snprintf(description_, sizeof description_, "virtio-blk");
  }

  // The device may not have been told yet.
  void settle() override {
    constexpr u64 kLongest = 2'000'000'000;
    write_register<u16>(doorbell_, 0, 0);
    if (!wait_for(kLongest, [&] { return shared_->used.index == shared_->available.index; }))
      lost_ = true;
  }

 private:
  Result<void> transfer(Way way, u64 first, u64 memory, u32 sectors) override {
    const u32 bytes = sectors * sector_bytes();
    return request(way == Way::Write ? kOut : kIn, first * (sector_bytes() / 512), memory, bytes);
  }
  Result<void> flush_cache() override {
    return can_flush_ ? request(kFlushRequest, 0, 0, 0) : Result<void>{};
  }

  // A chain of descriptors: what is asked for, the data if there is any, and the answer.
  Result<void> request(u32 kind, u64 sector, u64 memory, u32 bytes) {
    if (lost_) return Error::format("%s: it does not answer any more", name());
    Shared& s = *shared_;
    s.request = {kind, 0, sector};
    s.status = 0xff;
    const u16 data_flags = static_cast<u16>(kNext | (kind == kIn ? kDeviceWrites : 0));
    const u16 after_request = bytes == 0 ? 2 : 1;
    s.descriptors[0] = {reinterpret_cast<u64>(&s.request), sizeof s.request, kNext, after_request};
    s.descriptors[1] = {memory, bytes, data_flags, 2};
    s.descriptors[2] = {reinterpret_cast<u64>(&s.status), 1, kDeviceWrites, 0};
    const u16 answered = s.used.index;
    s.available.ring[s.available.index % kQueueEntries] = 0;
    asm volatile("" : : : "memory");  // the ring before its index
    s.available.index = static_cast<u16>(s.available.index + 1);
    asm volatile("mfence" : : : "memory");
    write_register<u16>(doorbell_, 0, 0);
    if (!wait_for(kRequestTime, [&] { return s.used.index != answered; })) {
      lost_ = true;  // it may still write into this memory: nothing else can be asked of it
      return Error::format("%s: no answer at sector %lu", name(), sector);
    }
    asm volatile("" : : : "memory");
    if (s.status == 0) return {};
    return Error::format("%s: %s at sector %lu (of 512 bytes) failed with status %u", name(),
                         kind == kIn    ? "a read"
                         : kind == kOut ? "a write"
                                        : "a flush",
                         sector, s.status);
  }

  Shared* const shared_;
  u8* const doorbell_;
  const bool can_flush_;
  bool lost_ = false;
};

u64 offered_features(u8* common) {
  u64 features = 0;
  for (u32 half = 0; half < 2; ++half) {
    write_register<u32>(common, kDeviceFeatureSelect, half);
    features |= u64{read_register<u32>(common, kDeviceFeature)} << (32 * half);
  }
  return features;
}

// 3.1.1. Null if the device does not want to.
const char* negotiate(u8* common, u64 wanted, u64& features) {
  write_register<u8>(common, kDeviceStatus, 0);
  if (!wait_for(1'000'000'000, [&] { return read_register<u8>(common, kDeviceStatus) == 0; }))
    return "cannot be reset";
  write_register<u8>(common, kDeviceStatus, kAcknowledge | kDriver);
  features = offered_features(common) & wanted;
  if ((features & kVersion1) == 0) return "is of the old kind";
  for (u32 half = 0; half < 2; ++half) {
    write_register<u32>(common, kDriverFeatureSelect, half);
    write_register<u32>(common, kDriverFeature, static_cast<u32>(features >> (32 * half)));
  }
  write_register<u8>(common, kDeviceStatus, kAcknowledge | kDriver | kFeaturesOk);
  if ((read_register<u8>(common, kDeviceStatus) & kFeaturesOk) == 0)
    return "refuses what we can do";
  return nullptr;
}

bool set_up_queue(u8* common, Shared* shared) {
  write_register<u16>(common, kQueueSelect, 0);
  if (read_register<u16>(common, kQueueSize) < kQueueEntries) return false;
  write_register<u16>(common, kQueueSize, kQueueEntries);
  const auto put = [&](usize at, const void* memory) {
    const u64 address = reinterpret_cast<u64>(memory);
    write_register<u32>(common, at, static_cast<u32>(address));
    write_register<u32>(common, at + 4, static_cast<u32>(address >> 32));
  };
  put(kQueueDescriptors, shared->descriptors);
  put(kQueueDriver, &shared->available);
  put(kQueueDevice, &shared->used);
  write_register<u16>(common, kQueueEnable, 1);
  write_register<u8>(common, kDeviceStatus, kAcknowledge | kDriver | kFeaturesOk | kDriverOk);
  return true;
}

// 5.2.4.
Geometry read_geometry(const u8* device, u64 features) {
  constexpr usize kCapacity = 0, kSizeMaxAt = 8, kBlockSizeAt = 20;
  Geometry g;
  g.features = features;
  g.sectors_512 =
      read_register<u32>(device, kCapacity) | u64{read_register<u32>(device, kCapacity + 4)} << 32;
  if ((features & kBlockSize) != 0) g.sector_bytes = read_register<u32>(device, kBlockSizeAt);
  if ((features & kSizeMax) != 0)
    g.most_bytes = std::min(g.most_bytes, read_register<u32>(device, kSizeMaxAt));
  return g;
}

const char* start(const Registers& r, DiskList& disks) {
  u64 features = 0;
  const u64 wanted = kSizeMax | kReadOnly | kBlockSize | kFlush | kVersion1;
  if (const char* wrong = negotiate(r.common, wanted, features)) return wrong;
  const Geometry g = read_geometry(r.device, features);
  const bool usual = g.sector_bytes >= 512 && g.sector_bytes <= 4096 &&
                     (g.sector_bytes & (g.sector_bytes - 1)) == 0 && g.most_bytes >= g.sector_bytes;
  if (!usual || g.sectors_512 > u64{1} << 54) return "has sectors of an unusual size";
  static_assert(sizeof(Shared) <= platform::kPageBytes);
  void* const page = take_pages(platform::kPageBytes);
  if (page == nullptr) return "gets no memory";
  std::memset(page, 0, platform::kPageBytes);
  auto* const shared = static_cast<Shared*>(page);
  shared->available.flags = kNoInterrupt;
  if (!set_up_queue(r.common, shared)) return "has no queue";
  const u64 doorbell = u64{read_register<u16>(r.common, kQueueNotifyOffset)} * r.notify_step;
  if (doorbell + 2 > r.notify_bytes) return "has its doorbell somewhere else";
  disks.push_back(new VirtioDisk(shared, r.notify + doorbell, g));
  return nullptr;
}

}  // namespace

void add_virtio_blk_disks(const pci::Function& function, DiskList& disks) {
  constexpr u16 kVendor = 0x1af4, kModern = 0x1042, kTransitional = 0x1001;
  if (function.vendor != kVendor ||
      (function.device != kModern && function.device != kTransitional))
    return;
  Registers registers;
  const char* wrong = "has no registers of the modern kind";
  if (find_registers(function, registers)) {
    wrong = start(registers, disks);
    if (wrong != nullptr) write_register<u8>(registers.common, kDeviceStatus, kFailed);
  }
  if (wrong != nullptr) print("[disk] a virtio disk %s\n", wrong);
}

}  // namespace bf::x86
